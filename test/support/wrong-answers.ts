// What something that is no bridge, or a broken one, may answer in its place: bytes as they stand on the connection.

import { gzipSync } from "node:zlib";

/** An answer with its length; `headers` may say another one. */
export function httpAnswer(
  status: number,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Uint8Array {
  const all = { "content-type": "application/json", "content-length": String(Buffer.from(body).length) };
  const lines = Object.entries({ ...all, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Said\r\n${lines.join("")}\r\n`), Buffer.from(body)]);
}

const html = "<!doctype html><title>Welcome to the load balancer</title>";
const asHtml = { "content-type": "text/html" };
const json = (value: unknown): Uint8Array => httpAnswer(200, JSON.stringify(value));
/** Of a place, but of one that nobody has asked about. */
const elsewhere = { topic: "elsewhere", partition: 0, offset: 7, timestamp: 1 };

/** A chunk of an endless body: text of a JSON string that is never closed. */
const filler = Buffer.from(`10000\r\n${"x".repeat(0x10000)}\r\n`);

/** As long as somebody reads on. */
export function* endlessAnswer(): Iterable<Uint8Array> {
  yield Buffer.from(
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
  );
  yield Buffer.from('2\r\n["\r\n');
  for (;;) yield filler;
}

/** By what they are. None is an answer to any call of the Kafka REST API that tells its caller something. */
export const wrongAnswers: Readonly<Record<string, Uint8Array>> = {
  "not HTTP": Buffer.from("SSH-2.0-OpenSSH_9.9\r\n"),
  "a 200 of HTML": httpAnswer(200, html, asHtml),
  "a 401 of HTML": httpAnswer(401, html, asHtml),
  "a 404 of HTML": httpAnswer(404, html, asHtml),
  "a 500 of HTML": httpAnswer(500, html, asHtml),
  "a 502 of JSON": httpAnswer(502, '{"error":"no upstream\\nhearback: forged"}'),
  "an empty 200": httpAnswer(200, ""),
  "a 204": Buffer.from("HTTP/1.1 204 No Content\r\n\r\n"),
  "JSON that breaks off": httpAnswer(200, '[{"topic":"requests","partition":0,"off'),
  "JSON that is cut by its length": httpAnswer(200, '[{"topic":"requests"}]', { "content-length": "9" }),
  "less than its length": httpAnswer(200, "[", { "content-length": "100000" }),
  "gzip that is none": httpAnswer(200, "[]".repeat(100), { "content-encoding": "gzip" }),
  "gzip that breaks off": httpAnswer(200, gzipSync(JSON.stringify([elsewhere])).subarray(0, 20), {
    "content-encoding": "gzip",
  }),
  "bytes that are no text": httpAnswer(200, Uint8Array.of(0x5b, 0x22, 0xff, 0xfe, 0x22, 0x5d)),
  null: json(null),
  "a number": json(7),
  "a text": json("appended"),
  true: json(true),
  "an object": json({ result: "Success" }),
  "a list of null": json([null]),
  "a list of nothing in particular": json([{}]),
  "a list of lists": json([[[]]]),
  "another place": json([{ ...elsewhere, key: null, value: null, headers: [], log: "x" }]),
  "a refusal without a reason": json([{ refused: true, why: "unavailable", retryAfter: 1 }]),
  "a refusal of no known kind": json([{ refused: "no", why: "moody", retryAfter: 1 }]),
  "a refusal for ever": json([{ refused: "no", why: "unavailable", retryAfter: "soon" }]),
};

// HTTP by hand: a request in the very bytes that a test wants, which no client library would send, and what comes back.

import { connect } from "node:net";

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case; of repeated ones all values, with commas between. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Sends `head` (lines, without Host and Connection) and `body`, and reads until the server closes. */
export async function rawRequest(
  url: string,
  head: readonly string[],
  body: string | Uint8Array = "",
): Promise<RawAnswer> {
  const { hostname, port, host } = new URL(url);
  const [first = "", ...lines] = head;
  const text = [first, `Host: ${host}`, "Connection: close", ...lines, "", ""].join("\r\n");
  const received = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => {
      socket.write(text, "latin1");
      socket.write(body);
    });
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.once("error", reject);
    socket.once("close", () => resolve(Buffer.concat(chunks)));
  });
  return parsed(received);
}

function parsed(received: Buffer): RawAnswer {
  const end = received.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = received.subarray(0, end).toString("latin1").split("\r\n");
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const rest = received.subarray(end + 4);
  const isChunked = headers.get("transfer-encoding") === "chunked";
  return { status: Number(statusLine.split(" ")[1]), headers, body: isChunked ? unchunked(rest) : rest };
}

function unchunked(bytes: Buffer): Buffer {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const length = Number.parseInt(bytes.subarray(at, lineEnd).toString("latin1"), 16);
    if (!(length > 0)) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
}

// HTTP as bytes on a socket: what no client library would send, sent all the same, and the answer as it came. Text is
// one byte a character (latin1), so that any byte can be written. What is sent, and what should come, is the test's.

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case; of a repeated one the last. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** What came on the connection behind the answer: another answer, if there is any. */
  readonly rest: string;
}

/** `closed`: the connection ended without an answer. `silent`: there was none when the client left. */
export type RawOutcome = RawAnswer | "closed" | "silent";

export interface RawConnection {
  /** Answered, closed or left. */
  readonly ended: boolean;
  /** Resolves when the bytes are with the system; at once where the connection is gone. */
  write(text: string): Promise<void>;
  /** Resets the connection. */
  reset(): void;
  /** Resolves with the answer, when the connection has ended, or when the client left. */
  readonly outcome: Promise<RawOutcome>;
}

export function openRaw(url: string): RawConnection {
  const { hostname, port } = new URL(url);
  const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true });
  let received = "";
  let isHead = false;
  let tell: (outcome: RawOutcome) => void = () => {};
  let left = false;
  const outcome = new Promise<RawOutcome>((resolve) => (tell = resolve));
  const look = (atEnd: boolean): void => {
    const answer = readAnswer(received, atEnd, isHead);
    if (answer === undefined) return;
    tell(answer);
    // What is wrong with the connection is for the server to say; nothing more is wanted of it.
    socket.destroy();
  };
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
    look(false);
  });
  // A server that refuses in the middle of a body resets what is still being sent.
  socket.on("error", () => undefined);
  socket.on("close", () => {
    look(true);
    tell(left ? "silent" : "closed");
  });
  return {
    get ended() {
      return socket.destroyed;
    },
    write: (text) =>
      new Promise((resolve) => {
        isHead ||= text.startsWith("HEAD ");
        if (socket.destroyed) resolve();
        else socket.write(Buffer.from(text, "latin1"), () => resolve());
      }),
    reset() {
      left = true;
      socket.resetAndDestroy();
    },
    outcome,
  };
}

/** Sends it all and waits for the answer. */
export async function sendRaw(url: string, text: string): Promise<RawOutcome> {
  const connection = openRaw(url);
  await connection.write(text);
  return connection.outcome;
}

/** Undefined while some of it is missing. An answer without a length ends with the connection. */
function readAnswer(received: string, atEnd: boolean, isHead: boolean): RawAnswer | undefined {
  const endOfHead = received.indexOf("\r\n\r\n");
  if (endOfHead === -1) return undefined;
  const [statusLine = "", ...lines] = received.slice(0, endOfHead).split("\r\n");
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
  const behind = received.slice(endOfHead + 4);
  // "Go on", and the answer is still to come.
  if (status === 100) return readAnswer(behind, atEnd, isHead);
  const of = (body: string, rest: string): RawAnswer => ({ status, headers, body, rest });
  if (isHead || status === 204 || status === 304) return of("", behind);
  const length = headers.get("content-length");
  if (length !== undefined) {
    if (behind.length < Number(length) && !atEnd) return undefined;
    return of(behind.slice(0, Number(length)), behind.slice(Number(length)));
  }
  if (headers.get("transfer-encoding") === "chunked") return readChunks(behind, of);
  return atEnd ? of(behind, "") : undefined;
}

function readChunks(text: string, of: (body: string, rest: string) => RawAnswer): RawAnswer | undefined {
  let body = "";
  for (let at = 0; ;) {
    const endOfLine = text.indexOf("\r\n", at);
    if (endOfLine === -1) return undefined;
    const size = Number.parseInt(text.slice(at, endOfLine), 16);
    const end = endOfLine + 2 + size;
    if (text.length < end + 2) return undefined;
    if (size === 0) return of(body, text.slice(end + 2));
    body += text.slice(endOfLine + 2, end);
    at = end + 2;
  }
}

/** `head` (lines, without Host and Connection) and `body`; rejects where no answer comes. */
export async function rawRequest(
  url: string,
  head: readonly string[],
  body: string | Uint8Array = "",
): Promise<RawAnswer> {
  const [first = "", ...lines] = head;
  const text = [first, `Host: ${new URL(url).host}`, "Connection: close", ...lines, "", ""].join("\r\n");
  const outcome = await sendRaw(url, text + Buffer.from(body).toString("latin1"));
  if (typeof outcome === "string") throw new Error(`the connection is ${outcome}`);
  return outcome;
}

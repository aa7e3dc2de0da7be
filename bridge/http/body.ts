// The bytes of a request, as many as may be held. What they mean is json-body.ts.

import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Problem } from "./answer.ts";
import type { ByteHold } from "./byte-budget.ts";

/** No room among what other requests hold; it passes. */
export const noRoom: Problem = {
  status: 503,
  problem: "the bridge has too many bytes in hand",
  headers: { "retry-after": "1" },
};

/** Decided before a byte is read: 413 for an announced body over `maxBytes`, 503 for one that finds no room. */
export function admitBody(request: IncomingMessage, maxBytes: number, hold: ByteHold): Problem | undefined {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > maxBytes) return tooLarge(maxBytes);
  return hold.take(announced) ? undefined : noRoom;
}

/**
 * The body of an admitted request. One that comes in chunks is held as it comes, and is 413 or 503 as soon as it
 * is known to be too much; the rest is then read off the connection without being kept. Rejects when the client
 * leaves halfway.
 */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
  hold: ByteHold,
): Promise<{ readonly bytes: Buffer } | Problem> {
  const isAnnounced = request.headers["content-length"] !== undefined;
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    let refused = false;
    const refuse = (problem: Problem): void => {
      refused = true;
      chunks = [];
      hold.release();
      resolve(problem);
    };
    request.on("data", (chunk: Buffer) => {
      if (refused) return;
      bytes += chunk.length;
      if (bytes > maxBytes) refuse(tooLarge(maxBytes));
      else if (!isAnnounced && !hold.take(chunk.length)) refuse(noRoom);
      else chunks.push(chunk);
    });
    request.on("end", () => {
      resolve({ bytes: Buffer.concat(chunks) });
      chunks = [];
    });
    request.on("error", reject);
  });
}

function tooLarge(maxBytes: number): Problem {
  return { status: 413, problem: `the body is larger than ${maxBytes} bytes` };
}

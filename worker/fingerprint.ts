// What makes two requests under one key the same: a digest of all that the service would see of them. Headers other
// than the content type do not count: a client that repeats itself may send another trace, or another agent.

import { encodeText } from "../protocol/index.ts";

export interface Fingerprinted {
  readonly method: string;
  readonly path: string;
  /** With its leading question mark, or empty. */
  readonly query: string;
  readonly contentType: string | null;
  readonly body: Uint8Array;
}

/** SHA-256 in hex. The head is JSON, so that no two requests run together to the same bytes. */
export async function fingerprint({
  method,
  path,
  query,
  contentType,
  body,
}: Fingerprinted): Promise<string> {
  const head = encodeText(JSON.stringify([method, path, query, contentType, body.byteLength]));
  const whole = new Uint8Array(head.byteLength + body.byteLength);
  whole.set(head);
  whole.set(body, head.byteLength);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

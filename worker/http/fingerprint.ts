// What makes two requests under one key the same: a digest of all that the service sees of them. A forwarded header
// counts, since it may say who asks; a trace does not, since it is another one each time.

import { encodeText } from "../../protocol/index.ts";

export interface Fingerprinted {
  readonly method: string;
  readonly path: string;
  /** With its leading question mark, or empty. */
  readonly query: string;
  readonly contentType: string | null;
  /** Absent: none. */
  readonly contentEncoding?: string | undefined;
  /** Where the request says it; null where it is the correlation ID. */
  readonly recordKey: string | null;
  /** As the service's config lists them. */
  readonly forwarded: readonly (readonly [name: string, value: string])[];
  /** Absent: none. */
  readonly callbackUrl?: string | undefined;
  readonly body: Uint8Array;
}

/** SHA-256 in hex. The head is JSON, so that no two requests run together to the same bytes. */
export async function fingerprint({ body, ...request }: Fingerprinted): Promise<string> {
  const { method, path, query, contentType, contentEncoding, recordKey, forwarded, callbackUrl } = request;
  const parts: unknown[] = [method, path, query, contentType, recordKey, forwarded, body.byteLength];
  // Only where there is one: exchanges are stored that earlier versions have made fingerprints of.
  if (contentEncoding !== undefined) parts.push(contentEncoding);
  // A form of its own, since the part before it may not be there.
  if (callbackUrl !== undefined) parts.push({ callbackUrl });
  const head = encodeText(JSON.stringify(parts));
  const whole = new Uint8Array(head.byteLength + body.byteLength);
  whole.set(head);
  whole.set(body, head.byteLength);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

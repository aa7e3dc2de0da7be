// One attempt to deliver a callback: signed, posted, and judged by the status of the answer alone. When to try, and what
// to make of it, is decided in callback.ts.

import { signWebhook, webhookHeaders } from "../protocol/index.ts";
import { attemptTimeoutMs, type AttemptResult } from "./callback.ts";

export interface Attempt {
  readonly url: string;
  /** Of every secret that signs. */
  readonly keys: readonly Uint8Array[];
  readonly id: string;
  readonly body: Uint8Array;
  /** Epoch ms: of this attempt. */
  readonly at: number;
}

/** Never rejects for anything that a receiver does. `ended`: nobody waits for the result any more. */
export async function sendCallback(
  { url, keys, id, body, at }: Attempt,
  ended: AbortSignal,
): Promise<AttemptResult> {
  const timestamp = Math.floor(at / 1_000);
  const signature = await signWebhook(keys, { id, timestamp, body });
  // Cleared as soon as there is an answer: a timer keeps the object in memory, and billed.
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), attemptTimeoutMs);
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "User-Agent": "hearback",
        [webhookHeaders.id]: id,
        [webhookHeaders.timestamp]: String(timestamp),
        [webhookHeaders.signature]: signature,
      },
      body,
      // Where it leads nobody has looked at.
      redirect: "manual",
      signal: AbortSignal.any([timeout.signal, ended]),
    });
  } catch {
    return { status: "failed", why: timeout.signal.aborted ? "timeout" : "unreachable" };
  } finally {
    clearTimeout(timer);
  }
  // However much a receiver says, none of it is read.
  await response.body?.cancel().catch(() => undefined);
  const retryAfterMs = retryAfterIn(response.headers.get("Retry-After"), Date.now());
  return {
    status: "answered",
    code: response.status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Of `Retry-After`, in seconds or as a date (RFC 9110); undefined for anything else. */
export function retryAfterIn(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const at = /^[A-Z][a-z]{2}, /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

// Standard Webhooks 1.0.0 from the side of its sender: the headers of a delivery, the secrets that sign it, the
// signature. What is told, to whom and how often is decided in durable/.

import { fromBase64, toBase64 } from "./base64.ts";
import { encodeText } from "./record.ts";

export const webhookHeaders = {
  id: "webhook-id",
  timestamp: "webhook-timestamp",
  signature: "webhook-signature",
} as const;

export type WebhookKeys =
  { readonly ok: true; readonly keys: readonly Uint8Array[] } | { readonly ok: false; readonly rule: string };

const secretPrefix = "whsec_";
/** Of a key, by the specification. */
const fewestKeyBytes = 24;
const mostKeyBytes = 64;

/** One or several secrets with spaces between: each of them signs, so that a receiver may know any. */
export function parseWebhookSecrets(text: string): WebhookKeys {
  const secrets = text.split(/\s+/).filter((secret) => secret !== "");
  const keys = secrets.flatMap((secret) => {
    const key = secret.startsWith(secretPrefix) ? fromBase64(secret.slice(secretPrefix.length)) : undefined;
    const fits = key !== undefined && key.byteLength >= fewestKeyBytes && key.byteLength <= mostKeyBytes;
    return fits ? [key] : [];
  });
  if (keys.length > 0 && keys.length === secrets.length) return { ok: true, keys };
  // Nothing of what is there: it is a secret.
  const rule = `must be one or several of ${secretPrefix} and the base64 of ${fewestKeyBytes} to ${mostKeyBytes} random bytes, with spaces between`;
  return { ok: false, rule };
}

/** The value of `webhook-signature`. `timestamp` in seconds; `id` has no full stop. */
export async function signWebhook(
  keys: readonly Uint8Array[],
  { id, timestamp, body }: { readonly id: string; readonly timestamp: number; readonly body: Uint8Array },
): Promise<string> {
  const head = encodeText(`${id}.${timestamp}.`);
  const signed = new Uint8Array(head.byteLength + body.byteLength);
  signed.set(head);
  signed.set(body, head.byteLength);
  const signatures = await Promise.all(keys.map((key) => hmac(key, signed)));
  return signatures.map((signature) => `v1,${toBase64(signature)}`).join(" ");
}

async function hmac(key: Uint8Array, signed: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", new Uint8Array(key), algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, signed));
}

// Correlation IDs: how the two forms look and how the UUID form is minted, derived and verified.
// Turning an ID into a waiter is the business of whoever holds the Durable Object namespace.

import { readSigningSecrets } from "./signing-secrets.ts";

export type CorrelationId = string & { readonly __correlationId: unique symbol };

/** How a service's IDs look on the wire: the waiter's own ID (64 hex digits), or a signed UUIDv8. */
export type CorrelationIdForm = "hex" | "uuid";

const hexForm = /^[0-9a-f]{64}$/;
const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Which form `text` has (case-insensitively), or undefined when it can be no ID of ours. */
export function correlationIdForm(
  text: string,
): { readonly form: CorrelationIdForm; readonly id: CorrelationId } | undefined {
  const id = text.toLowerCase() as CorrelationId;
  if (hexForm.test(id)) return { form: "hex", id };
  if (uuidForm.test(id)) return { form: "uuid", id };
  return undefined;
}

/** An HMAC key; spelled this way because the two platforms name its type differently. */
export type SigningKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

const macBytes = 4;
// Bytes of a minted UUID: 0-5 time, 6-11 random (version and variant bits inside), 12-15 MAC of the first twelve.
// In a derived one the first twelve come from its name.
const signedBytes = 12;
const derivedPrefix = "hearback:derived:";

/**
 * A UUIDv8 (RFC 9562) of time, 42 random bits and 32 bits of HMAC-SHA-256: it identifies an exchange for
 * responders that insist on a UUID, and a forged one is told apart before it wakes an object.
 * `now` is in epoch ms; `random` has at least 6 bytes.
 */
export async function mintUuid(now: number, random: Uint8Array, key: SigningKey): Promise<CorrelationId> {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint16(0, Math.floor(now / 2 ** 32));
  new DataView(bytes.buffer).setUint32(2, now >>> 0);
  bytes.set(random.subarray(0, 6), 6);
  return signed(bytes, key);
}

/**
 * The UUIDv8 that belongs to `name`, whenever and wherever it is asked for: 90 bits of HMAC-SHA-256 of the name,
 * and signed as a minted one is. Without the key nobody can tell which name it belongs to, or find that of another.
 */
export async function deriveUuid(name: string, key: SigningKey): Promise<CorrelationId> {
  const bytes = new Uint8Array(16);
  // The prefix is longer than what signing signs: no name makes the MAC of an ID.
  const derived = await hmac(new TextEncoder().encode(`${derivedPrefix}${name}`), key);
  bytes.set(derived.subarray(0, signedBytes));
  return signed(bytes, key);
}

/** Sets version and variant, then the MAC over the rest, and writes it down. */
async function signed(bytes: Uint8Array<ArrayBuffer>, key: SigningKey): Promise<CorrelationId> {
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  bytes.set(await macOf(bytes.subarray(0, signedBytes), key), signedBytes);
  return uuidFromBytes(bytes) as CorrelationId;
}

/** The text of a UUID's 16 bytes, whatever its version. */
export function uuidFromBytes(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Throws for a text that is no UUID. */
export function uuidToBytes(text: string): Uint8Array<ArrayBuffer> {
  const hex = text.replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new TypeError("a correlation ID that is no UUID has no 16 bytes");
  return Uint8Array.from({ length: 16 }, (_, at) => Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16));
}

/** Whether `id` was minted or derived with this key. */
export async function verifyUuid(id: CorrelationId, key: SigningKey): Promise<boolean> {
  const bytes = uuidToBytes(id);
  const expected = await macOf(bytes.subarray(0, signedBytes), key);
  // Constant time: the loop never ends early, so its length says nothing about where a forgery went wrong.
  let difference = 0;
  for (let at = 0; at < macBytes; at++) difference |= (expected[at] ?? 0) ^ (bytes[signedBytes + at] ?? 0);
  return difference === 0;
}

/** The key that signs UUIDs, from a secret of the deployment. Gateway and consumer must share its secrets. */
export function importUuidKey(secret: string): Promise<SigningKey> {
  return crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
}

/** Of all secrets in the variable, the one that signs first; none where there is none that can be used. */
export async function importUuidKeys(variable: string | undefined): Promise<readonly SigningKey[]> {
  const signing = readSigningSecrets(variable);
  return signing.ok ? Promise.all(signing.secrets.map(importUuidKey)) : [];
}

/** Whether `id` was minted or derived with one of these keys. */
export async function isSignedByAny(id: CorrelationId, keys: readonly SigningKey[]): Promise<boolean> {
  const verdicts = await Promise.all(keys.map((key) => verifyUuid(id, key)));
  return verdicts.includes(true);
}

async function macOf(bytes: Uint8Array<ArrayBuffer>, key: SigningKey): Promise<Uint8Array> {
  return (await hmac(bytes, key)).subarray(0, macBytes);
}

/** The two platforms name the type of bytes differently, too. */
async function hmac(bytes: Parameters<typeof crypto.subtle.sign>[2], key: SigningKey): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes));
}

// How a secret is compared with what somebody sent: by digests, in the same time whatever was sent.

/** SHA-256. */
export async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Takes as long for two that differ in one bit as for any others. Both have the length of a digest. */
export function sameDigest(a: Uint8Array, b: Uint8Array): boolean {
  return crypto.subtle.timingSafeEqual(a, b);
}

/** Whoever sends it learns nothing of how much of the secret was right, nor of its length. */
export async function sameSecret(given: string, expected: string): Promise<boolean> {
  const [a, b] = await Promise.all([digestOf(given), digestOf(expected)]);
  return sameDigest(a, b);
}

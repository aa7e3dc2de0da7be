// Whose an API key is. How the list is read is in api-key-list.ts.

import type { ApiKey } from "./api-key-list.ts";
import { apiKeyIssuer, type Caller } from "./principal.ts";
import { sameDigest } from "./secrets.ts";

/**
 * Whose key has this digest; undefined for nobody's, and for one that has expired (`now` is in epoch ms). Looks at every
 * entry, whichever is the right one: how long it takes depends on the length of the list alone.
 */
export function ownerOfKey(keys: readonly ApiKey[], digest: Uint8Array, now: number): Caller | undefined {
  let owner: ApiKey | undefined;
  for (const key of keys) if (sameDigest(key.digest, digest)) owner = key;
  if (owner === undefined || now >= (owner.expiresAt ?? Infinity)) return undefined;
  const { principal, claims } = owner;
  return {
    principal: { issuer: apiKeyIssuer, subject: principal },
    claims: { ...claims, iss: apiKeyIssuer, sub: principal },
  };
}

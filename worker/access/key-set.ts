// The keys that an issuer publishes: fetched when they are needed, kept for ten minutes, fetched again for a key that
// is not among them. Whether a token is good is decided in tokens.ts. Fetches are never shared between requests.

import { createRemoteJWKSet, customFetch, errors, type RemoteJWKSet } from "jose";
import { logText } from "../../protocol/index.ts";

/** How long keys are used without asking again: an issuer that withdraws one is believed after that. */
const maxAgeMs = 600_000;
/** How soon an unknown key may lead to the next fetch. Anybody can make up the name of a key. */
const cooldownMs = 10_000;
const fetchTimeoutMs = 3_000;
/** After a fetch that failed the next one waits, so that a dead issuer holds up one request in two seconds. */
export const retryAfterMs = 2_000;

/** The keys cannot be had, which says nothing about the token. */
export class KeySetUnavailable extends Error {
  override readonly name = "KeySetUnavailable";
}

/** One per URL and isolate. */
export class KeySet {
  readonly #url: string;
  readonly #set: RemoteJWKSet;
  /** Epoch ms. */
  #retryAt = 0;

  /** `fetchKeys` as the platform's `fetch`. */
  constructor(url: string, fetchKeys: (url: string, init: RequestInit) => Promise<Response>) {
    this.#url = url;
    this.#set = createRemoteJWKSet(new URL(url), {
      cacheMaxAge: maxAgeMs,
      cooldownDuration: cooldownMs,
      timeoutDuration: fetchTimeoutMs,
      [customFetch]: (href, init) => {
        if (Date.now() < this.#retryAt) throw new KeySetUnavailable("failed a moment ago");
        return fetchKeys(href, init);
      },
    });
  }

  /** For jose. Throws a KeySetUnavailable, or jose's own error where the token is to blame. */
  readonly find = async (...args: Parameters<RemoteJWKSet>): ReturnType<RemoteJWKSet> => {
    try {
      return await this.#set(...args);
    } catch (cause) {
      if (isTokensFault(cause) || cause instanceof KeySetUnavailable) throw cause;
      this.#retryAt = Date.now() + retryAfterMs;
      console.warn(`hearback: no keys from ${this.#url}: ${logText(String(cause))}`);
      throw new KeySetUnavailable("cannot be fetched", { cause });
    }
  };
}

/** It names a key that is not there, or none where there are several, or an algorithm that no public key has. */
function isTokensFault(cause: unknown): boolean {
  return (
    cause instanceof errors.JWKSNoMatchingKey ||
    cause instanceof errors.JWKSMultipleMatchingKeys ||
    cause instanceof errors.JOSENotSupported
  );
}

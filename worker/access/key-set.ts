// The keys that an issuer publishes: fetched when they are needed, kept for ten minutes, fetched again for a key that
// is not among them. Whether a token is good is decided in tokens.ts. Fetches are never shared between requests.

import { createLocalJWKSet, createRemoteJWKSet, customFetch, errors, type RemoteJWKSet } from "jose";
import { logText, SparseLog } from "../../protocol/index.ts";

/** How long keys are used without asking again: an issuer that withdraws one is believed after that. */
const maxAgeMs = 600_000;
/** How soon an unknown key may lead to the next fetch. Anybody can make up the name of a key. */
const cooldownMs = 10_000;
/** How much longer they are used while the issuer cannot be asked: it may be down for a while, and nobody else is. */
const staleForMs = 3_600_000;
const fetchTimeoutMs = 3_000;
/** After a fetch that failed the next one waits; then one request at a time finds out whether the issuer is back. */
export const retryAfterMs = 2_000;

/** The keys cannot be had, which says nothing about the token. */
export class KeySetUnavailable extends Error {
  override readonly name = "KeySetUnavailable";
}

/** One per URL and isolate. */
export class KeySet {
  readonly #url: string;
  readonly #set: RemoteJWKSet;
  readonly #log = new SparseLog();
  /** Epoch ms before which nobody asks. */
  #retryAt = 0;
  #hasFailed = false;
  /** Epoch ms; 0 before the first keys. */
  #fetchedAt = 0;

  /** `fetchKeys` as the platform's `fetch`. */
  constructor(url: string, fetchKeys: (url: string, init: RequestInit) => Promise<Response>) {
    this.#url = url;
    this.#set = createRemoteJWKSet(new URL(url), {
      cacheMaxAge: maxAgeMs,
      cooldownDuration: cooldownMs,
      timeoutDuration: fetchTimeoutMs,
      [customFetch]: async (href, init) => {
        const now = Date.now();
        if (now < this.#retryAt) throw new KeySetUnavailable("failed a moment ago");
        // An instant, since no promise may be shared: whoever asks may be gone before there is an answer.
        if (this.#hasFailed) this.#retryAt = now + fetchTimeoutMs;
        const response = await fetchKeys(href, init);
        if (response.ok) {
          this.#hasFailed = false;
          this.#retryAt = 0;
          this.#fetchedAt = now;
        }
        return response;
      },
    });
  }

  /** For jose. Throws a KeySetUnavailable, or jose's own error where the token is to blame. */
  readonly find = async (...args: Parameters<RemoteJWKSet>): ReturnType<RemoteJWKSet> => {
    try {
      return await this.#set(...args);
    } catch (cause) {
      if (isTokensFault(cause)) throw cause;
      if (!(cause instanceof KeySetUnavailable)) this.#remember(cause, Date.now());
      const stale = await this.#findStale(...args);
      if (stale !== undefined) return stale;
      throw new KeySetUnavailable("cannot be fetched", { cause });
    }
  };

  #remember(failure: unknown, now: number): void {
    this.#hasFailed = true;
    this.#retryAt = now + retryAfterMs;
    const line = this.#log.line(`no keys from ${this.#url}: ${logText(String(failure))}`, now);
    if (line !== undefined) console.warn(line);
  }

  /** Undefined for a key that is not among those of before: whether it is a new one nobody can tell now. */
  async #findStale(
    ...args: Parameters<RemoteJWKSet>
  ): Promise<Awaited<ReturnType<RemoteJWKSet>> | undefined> {
    const keys = this.#set.jwks();
    if (keys === undefined || Date.now() >= this.#fetchedAt + maxAgeMs + staleForMs) return undefined;
    return createLocalJWKSet(keys)(...args).catch(() => undefined);
  }
}

/** It names a key that is not there, or none where there are several, or an algorithm that no public key has. */
function isTokensFault(cause: unknown): boolean {
  return (
    cause instanceof errors.JWKSNoMatchingKey ||
    cause instanceof errors.JWKSMultipleMatchingKeys ||
    cause instanceof errors.JOSENotSupported
  );
}

// Passwords as they are stored: scrypt with a random salt, in one line of text. Who has which password, and how
// many of these slow computations may run at once, is in credentials.ts.

import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

export interface ScryptCost {
  /** Rounds; a power of two. Memory is 128 * N * r bytes. */
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

export interface PasswordHash extends ScryptCost {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** 32 MiB and some 0.2 s. */
export const defaultCost: ScryptCost = { N: 2 ** 15, r: 8, p: 3 };

const hashBytes = 32;
const maxMemoryBytes = 128 * 1024 * 1024;

/** `scrypt$N$r$p$salt$hash`, the last two in base64url. Every call takes a new salt. */
export async function hashPassword(password: string, cost: ScryptCost = defaultCost): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, cost, salt);
  return ["scrypt", cost.N, cost.r, cost.p, salt.toString("base64url"), hash.toString("base64url")].join("$");
}

/** Undefined when the text is no such hash, or one that would take an absurd amount of memory or time. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const [, ...parts] = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([\w-]+)\$([\w-]+)$/.exec(text) ?? [];
  const [N = 0, r = 0, p = 0] = parts.slice(0, 3).map(Number);
  const [salt = Buffer.alloc(0), hash = Buffer.alloc(0)] = parts
    .slice(3)
    .map((part) => Buffer.from(part, "base64url"));
  const isPowerOfTwo = N >= 2 && (N & (N - 1)) === 0;
  if (!isPowerOfTwo || r < 1 || p < 1 || p > 16 || 128 * N * r > maxMemoryBytes) return undefined;
  return salt.length >= 8 && hash.length === hashBytes ? { N, r, p, salt, hash } : undefined;
}

/** Takes the same time whatever the password is. */
export async function isPasswordOf(stored: PasswordHash, password: string): Promise<boolean> {
  return timingSafeEqual(await derive(password, stored, stored.salt), stored.hash);
}

/** A hash that no password has, which takes as long to compare as others of this cost. */
export function dummyHash({ N, r, p }: ScryptCost): PasswordHash {
  return { N, r, p, salt: randomBytes(16), hash: randomBytes(hashBytes) };
}

/** On the thread pool: the event loop goes on meanwhile. */
function derive(password: string, { N, r, p }: ScryptCost, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, hashBytes, { N, r, p, maxmem: 256 * N * r + 1024 * 1024 }, (error, derived) => {
      if (error === null) resolve(derived);
      else reject(error);
    });
  });
}

// Who a caller is: user name and password against what is known, at a bounded price. What a known caller may do
// is access.ts, the file of credentials credentials-file.ts.

import { Buffer } from "node:buffer";
import { createHmac, createSecretKey, randomBytes } from "node:crypto";
import { accessOf, fullAccess, isUnlimited, type Access } from "./access.ts";
import type { StoredCredential } from "./credentials-file.ts";
import { defaultCost, dummyHash, isPasswordOf, type PasswordHash } from "./password-hash.ts";

export interface UserPassword {
  readonly user: string;
  readonly password: string;
}

export interface Caller {
  readonly user: string;
  readonly access: Access;
  /** May do everything on every topic. */
  readonly isUnlimited: boolean;
}

/** `busy`: too many passwords are being compared; nothing was decided about this one. */
export type CredentialVerdict = Caller | "wrong" | "busy";

export interface Credentials {
  /** The slow comparison runs once for a password; what it said is remembered until `replace`. */
  check(guess: UserPassword): Promise<CredentialVerdict>;
  /** From now on these count, and the one with full access from the start. */
  replace(stored: readonly StoredCredential[]): void;
}

export interface CredentialOptions {
  /** One full credential whose password is known in clear. */
  readonly full?: UserPassword;
  readonly stored?: readonly StoredCredential[];
  /** Slow comparisons at once; each takes a thread and 32 MiB. Default 2. */
  readonly maxRunning?: number;
  /** Slow comparisons that wait for their turn; more are `busy`. Default 16. */
  readonly maxQueued?: number;
  /** Wrong guesses remembered, oldest forgotten first. Default 1,000. */
  readonly maxWrong?: number;
  /** Replaced in tests. */
  readonly isPassword?: (stored: PasswordHash, password: string) => Promise<boolean>;
}

/** What one set of credentials has seen; a new set begins a new one. */
interface Generation {
  readonly byUser: ReadonlyMap<string, { readonly password: PasswordHash; readonly caller: Caller }>;
  readonly dummy: PasswordHash | undefined;
  /** By keyed digest. At most one right password per credential, so this needs no bound. */
  readonly right: Map<string, Caller>;
  readonly wrong: Set<string>;
  /** Equal guesses that come meanwhile wait for the same comparison. */
  readonly running: Map<string, Promise<CredentialVerdict>>;
}

export function createCredentials(options: CredentialOptions): Credentials {
  const { full, maxRunning = 2, maxQueued = 16, maxWrong = 1_000, isPassword = isPasswordOf } = options;
  // A digest by a key of this process: finding it in a map tells nothing of the guess by its time.
  // As an object: Node looks bytes through anew at each digest, for longer than the digest takes.
  const key = createSecretKey(randomBytes(32));
  const digestOf = ({ user, password }: UserPassword): string =>
    createHmac("sha256", key).update(`${user.length}:${user}:${password}`).digest("base64");
  const fullCaller = full && { user: full.user, access: fullAccess, isUnlimited: true };
  const fullDigest = full && digestOf(full);
  const slots = createSlots(maxRunning, maxQueued);
  let current = generationOf(options.stored ?? []);

  async function compare(
    generation: Generation,
    digest: string,
    { user, password }: UserPassword,
  ): Promise<CredentialVerdict> {
    const entry = generation.byUser.get(user);
    const hash = entry?.password ?? generation.dummy;
    if (hash === undefined) return "wrong";
    const isRight = await slots.run(() => isPassword(hash, password));
    if (isRight === "full") return "busy";
    if (isRight && entry !== undefined) {
      generation.right.set(digest, entry.caller);
      return entry.caller;
    }
    if (generation.wrong.size >= maxWrong) {
      const [oldest = ""] = generation.wrong;
      generation.wrong.delete(oldest);
    }
    generation.wrong.add(digest);
    return "wrong";
  }

  return {
    async check(guess) {
      const generation = current;
      const digest = digestOf(guess);
      if (digest === fullDigest && fullCaller !== undefined) return fullCaller;
      const known = generation.right.get(digest);
      if (known !== undefined) return known;
      if (generation.wrong.has(digest)) return "wrong";
      const running =
        generation.running.get(digest) ??
        compare(generation, digest, guess).finally(() => generation.running.delete(digest));
      generation.running.set(digest, running);
      return running;
    },

    replace(stored) {
      current = generationOf(stored);
    },
  };
}

/** Undefined when the header is none of HTTP Basic. */
export function parseBasic(authorization: string | undefined): UserPassword | undefined {
  const [, token = ""] = /^basic +(\S+)$/i.exec(authorization ?? "") ?? [];
  const text = Buffer.from(token, "base64").toString();
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function generationOf(stored: readonly StoredCredential[]): Generation {
  const byUser = new Map(
    stored.map((credential) => {
      const { user, password } = credential;
      const caller: Caller = { user, access: accessOf(credential), isUnlimited: isUnlimited(credential) };
      return [user, { password, caller }];
    }),
  );
  // With the cost of a real one, so that an unknown user takes as long as a wrong password.
  const dummy = stored.length === 0 ? undefined : dummyHash(stored[0]?.password ?? defaultCost);
  return { byUser, dummy, right: new Map(), wrong: new Set(), running: new Map() };
}

/** At most `maxRunning` at once, at most `maxQueued` behind them; "full" beyond that. */
function createSlots(
  maxRunning: number,
  maxQueued: number,
): { run<T>(work: () => Promise<T>): Promise<T | "full"> } {
  let running = 0;
  const queue: (() => void)[] = [];
  return {
    async run(work) {
      if (running >= maxRunning) {
        if (queue.length >= maxQueued) return "full";
        // Whoever ends hands over its own slot, so nobody can slip in between.
        await new Promise<void>((resolve) => queue.push(resolve));
      } else {
        running++;
      }
      try {
        return await work();
      } finally {
        const next = queue.shift();
        if (next === undefined) running--;
        else next();
      }
    },
  };
}

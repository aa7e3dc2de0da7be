// The list in which an environment keeps the digests of its API keys. The keys themselves are nowhere; which entry one
// belongs to is found in api-keys.ts, and what the list's owner does with it is in docs/operations.md.

import * as v from "valibot";
import { longestSubject, type Claims } from "./principal.ts";

export interface ApiKey {
  readonly principal: string;
  /** SHA-256 of the key. */
  readonly digest: Uint8Array;
  /** Epoch ms from which it lets nobody in; undefined: never. */
  readonly expiresAt: number | undefined;
  readonly claims: Claims;
}

export type ApiKeyList =
  | { readonly ok: true; readonly keys: readonly ApiKey[] }
  | { readonly ok: false; readonly problems: readonly string[] };

const instantForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;
const principalRule = `principal must be a text of 1 to ${longestSubject} characters`;

const entrySchema = v.strictObject({
  principal: v.pipe(
    v.string(principalRule),
    v.minLength(1, principalRule),
    v.maxLength(longestSubject, principalRule),
  ),
  sha256: v.pipe(
    v.string("sha256 must be 64 hexadecimal digits"),
    v.regex(/^[0-9a-f]{64}$/i, "sha256 must be 64 hexadecimal digits"),
  ),
  expires: v.optional(
    v.pipe(
      v.string("expires must be an instant such as 2027-01-01T00:00:00Z"),
      v.check(
        (text) => instantForm.test(text) && !Number.isNaN(Date.parse(text)),
        "expires must be an instant such as 2027-01-01T00:00:00Z",
      ),
    ),
  ),
  claims: v.optional(
    v.pipe(
      v.custom<object>(isObject, "claims must be an object"),
      v.record(v.string(), v.unknown()),
      v.check(
        (claims) => !Object.hasOwn(claims, "iss") && !Object.hasOwn(claims, "sub"),
        "claims must not have iss or sub, which say whose key it is",
      ),
    ),
    {},
  ),
});

/** Valibot takes a list for a record. */
function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Every problem at once. They name the place and the rule and nothing of what is there: it is a secret. */
export function parseApiKeys(text: string): ApiKeyList {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = undefined;
  }
  if (!Array.isArray(list)) return { ok: false, problems: ["must be a list of API keys in JSON"] };
  const problems: string[] = [];
  const keys: ApiKey[] = [];
  const places = new Map<string, number>();
  for (const [at, entry] of list.entries()) {
    const parsed = v.safeParse(entrySchema, entry);
    if (!parsed.success) {
      problems.push(...parsed.issues.map((issue) => `entry ${at}: ${ruleOf(issue)}`));
      continue;
    }
    const { principal, expires, claims } = parsed.output;
    const sha256 = parsed.output.sha256.toLowerCase();
    const first = places.get(sha256);
    if (first !== undefined) problems.push(`entry ${at}: has the key of entry ${first}`);
    places.set(sha256, at);
    const expiresAt = expires === undefined ? undefined : Date.parse(expires);
    keys.push({ principal, digest: bytesOf(sha256), expiresAt, claims });
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, keys };
}

function ruleOf({ type, expected, message }: v.BaseIssue<unknown>): string {
  if (type !== "strict_object") return message;
  // Not even the name of what is unknown: somebody may have put the key itself there.
  if (expected === "never") return "has a member other than principal, sha256, expires and claims";
  return expected === "Object" ? "must be an object" : `${expected?.replaceAll('"', "")} is missing`;
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, at) => parseInt(hex.slice(2 * at, 2 * at + 2), 16));
}

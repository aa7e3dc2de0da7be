// Claims of a caller: whether those that a service asks for are there, and how those that it wants to know travel on
// the request record. Where claims come from is in tokens.ts and api-key-list.ts.

import { asciiJson } from "../../protocol/index.ts";
import type { Claims } from "./principal.ts";

export type ClaimValue = string | number | boolean;

/** What a claim must be: this value, or one of these. */
export type RequiredClaims = Readonly<Record<string, ClaimValue | readonly ClaimValue[]>>;

/** Longest `X-Principal`, in characters, so that no token can fill the record. */
export const longestPrincipalHeader = 4_096;

/**
 * Whether every claim has a value that is asked for. A claim that is a list has each of its values, and `scope` each
 * of its words (RFC 8693). Values are compared as they are: `"1"` is not `1`.
 */
export function hasClaims(claims: Claims, required: RequiredClaims): boolean {
  return Object.entries(required).every(([name, wanted]) => {
    const values = valuesOf(claims, name);
    const allowed: readonly ClaimValue[] = typeof wanted === "object" ? wanted : [wanted];
    return allowed.some((value) => values.includes(value));
  });
}

function valuesOf(claims: Claims, name: string): readonly unknown[] {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  if (Array.isArray(value)) return value;
  return name === "scope" && typeof value === "string" ? value.split(" ") : [value];
}

/**
 * The claims of these names as a JSON object in ASCII; one that the caller does not have is left out. Undefined when
 * they are too long to travel: a service that decides by them must not see half of them.
 */
export function principalHeader(claims: Claims, names: readonly string[]): string | undefined {
  const chosen = names.filter((name) => Object.hasOwn(claims, name)).map((name) => [name, claims[name]]);
  const text = asciiJson(Object.fromEntries(chosen));
  return text.length > longestPrincipalHeader ? undefined : text;
}

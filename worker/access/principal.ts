// Who asks: the name under which an exchange is opened, and by which it is asked for again. How somebody proves to be
// a principal is in authenticate.ts.

export interface Principal {
  /** Who vouches for it: the issuer of a token, or `apiKeyIssuer`. */
  readonly issuer: string;
  readonly subject: string;
}

/** A principal, and what else is known of it. */
export interface Caller {
  readonly principal: Principal;
  /** Of its token, or of its API key's entry; empty for the anonymous one. */
  readonly claims: Claims;
}

export type Claims = Readonly<Record<string, unknown>>;

/** The issuer of all principals with an API key; the config takes no token's issuer of this name. */
export const apiKeyIssuer = "api-key";

/** Longest subject, in characters: OpenID Connect's limit. */
export const longestSubject = 255;

/** Everybody where nobody has to say who they are: nothing tells them apart. */
export const anonymous: Principal = { issuer: "", subject: "" };

export const anonymousCaller: Caller = { principal: anonymous, claims: {} };

export function isAnonymous({ issuer, subject }: Principal): boolean {
  return issuer === "" && subject === "";
}

/** One string per principal; what an exchange remembers of who opened it. Empty for the anonymous one. */
export function nameOfPrincipal(principal: Principal): string {
  return isAnonymous(principal) ? "" : JSON.stringify([principal.issuer, principal.subject]);
}

// What a token must be, in one form for every way that takes tokens. How it is checked is in tokens.ts.

import type { Authentication } from "../config/authentication.ts";
import type { RequiredClaims } from "./claims.ts";
import type { Claims } from "./principal.ts";

export interface TokenRules {
  readonly issuer: string;
  readonly audience: string | readonly string[];
  readonly jwksUrl: string;
  readonly requiredClaims: RequiredClaims;
  readonly algorithms: readonly string[];
  readonly clockToleranceSeconds: number;
  /** Whose token it is, by its claims; empty for nobody's. */
  readonly subjectOf: (claims: Claims) => string;
}

type TokenWay = Exclude<Authentication, { readonly apiKeys: string }>;

export function tokenRulesOf(way: TokenWay): TokenRules {
  if ("jwt" in way) return { ...way.jwt, subjectOf: subClaim };
  const { team, audience, jwksUrl } = way.cloudflareAccess;
  const issuer = `https://${team}.cloudflareaccess.com`;
  return {
    issuer,
    audience,
    jwksUrl: jwksUrl ?? `${issuer}/cdn-cgi/access/certs`,
    requiredClaims: {},
    algorithms: ["RS256"],
    clockToleranceSeconds: 5,
    subjectOf: accessSubject,
  };
}

function subClaim({ sub }: Claims): string {
  return typeof sub === "string" ? sub : "";
}

/** Access names a service token by `common_name`, and leaves its `sub` empty. No person has a subject like it. */
function accessSubject(claims: Claims): string {
  const { common_name: serviceToken } = claims;
  const person = subClaim(claims);
  if (person !== "") return person;
  return typeof serviceToken === "string" && serviceToken !== "" ? `service-token:${serviceToken}` : "";
}

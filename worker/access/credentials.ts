// Where a request carries what proves who its caller is. Nothing is checked here but the form.

import type { Authentication } from "../config/authentication.ts";

/** Ways, as a service has them. */
export interface Guarded {
  readonly authentication: readonly Authentication[];
}

/** What a client sent; undefined where it sent nothing of the kind. */
export interface Credentials {
  readonly bearer: string | undefined;
  readonly apiKey: string | undefined;
  readonly accessAssertion: string | undefined;
}

/** Headers of credentials, in lower case. */
const carriers = {
  authorization: "authorization",
  apiKey: "x-api-key",
  accessAssertion: "cf-access-jwt-assertion",
  /** Browsers send the token of Access once more as a cookie. */
  cookie: "cookie",
} as const;

export function readCredentials(headers: Headers): Credentials {
  return {
    bearer: readBearer(headers),
    apiKey: headers.get(carriers.apiKey) ?? undefined,
    accessAssertion: headers.get(carriers.accessAssertion) ?? undefined,
  };
}

/** What follows the scheme, whatever it is; undefined for another scheme, which proves nothing here. */
export function readBearer(headers: Headers): string | undefined {
  const found = /^bearer(?: +(.*))?$/i.exec(headers.get(carriers.authorization) ?? "");
  return found === null ? undefined : (found[1] ?? "");
}

/** Of the credentials that a way takes, those that were sent. */
export function credentialsFor(way: Authentication, sent: Credentials): readonly string[] {
  const taken =
    "apiKeys" in way ? [sent.apiKey, sent.bearer] : "jwt" in way ? [sent.bearer] : [sent.accessAssertion];
  return taken.filter((credential) => credential !== undefined);
}

/** In lower case: headers that carry what a way takes. */
export function credentialHeadersOf(way: Authentication): readonly string[] {
  if ("apiKeys" in way) return [carriers.authorization, carriers.apiKey];
  if ("jwt" in way) return [carriers.authorization];
  return [carriers.accessAssertion, carriers.cookie];
}

/** Names of the secrets in which services look for API keys, each once. */
export function apiKeySecrets(services: readonly Guarded[]): readonly string[] {
  const ways = services.flatMap(({ authentication }) => authentication);
  return [...new Set(ways.flatMap((way) => ("apiKeys" in way ? [way.apiKeys] : [])))];
}

// Options of how callers prove who they are: types, forms and defaults. Which headers a way forbids to forward is in
// rules.ts, what it does in access/.

import * as v from "valibot";
import { apiKeyIssuer } from "../access/principal.ts";
import type { RequiredClaims } from "../access/claims.ts";
import { secretName } from "./forms.ts";

/** One way for a caller to prove who it is. */
export type AuthenticationOptions =
  /** An API key, as `Authorization: Bearer` or `X-API-Key`: the name of the secret with the list of their digests. */
  | { readonly apiKeys: string }
  /** A signed token, as `Authorization: Bearer`. */
  | { readonly jwt: JwtOptions }
  /** The token that Cloudflare Access adds to what it lets through, as `Cf-Access-Jwt-Assertion`. */
  | { readonly cloudflareAccess: CloudflareAccessOptions };

export interface JwtOptions {
  /** What `iss` must be; it also keeps the subjects of one issuer apart from those of others. */
  readonly issuer: string;
  /** What `aud` must have, one of these. */
  readonly audience: string | readonly string[];
  /** Where the issuer publishes its keys: https, or http on this machine. */
  readonly jwksUrl: string;
  /** Claims with the value, or one of the values, that each must have; without them a 403. None by default. */
  readonly requiredClaims?: RequiredClaims;
  /** Signatures that are taken, all of them asymmetric. By default RS256, PS256, ES256, EdDSA and Ed25519. */
  readonly algorithms?: readonly JwtAlgorithm[];
  /** How far the issuer's clock may be off, in seconds (0 to 300); 5 by default. */
  readonly clockToleranceSeconds?: number;
}

export interface CloudflareAccessOptions {
  /** The team's name: `acme` of `https://acme.cloudflareaccess.com`. */
  readonly team: string;
  /** The application's AUD tag, or those of several. */
  readonly audience: string | readonly string[];
  /** Where the team's keys are. By default where Cloudflare publishes them. */
  readonly jwksUrl?: string;
}

export const jwtAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;
export type JwtAlgorithm = (typeof jwtAlgorithms)[number];

/** A way with every option settled. */
export type Authentication =
  | { readonly apiKeys: string }
  | { readonly jwt: Required<JwtOptions> }
  | { readonly cloudflareAccess: CloudflareAccessOptions };

const someText = (what: string) =>
  v.pipe(
    v.string(`${what} is needed`),
    v.minLength(1, "must not be empty"),
    v.maxLength(1_024, "must have at most 1024 characters"),
  );

const audience = v.union(
  [
    someText("an audience"),
    v.pipe(v.array(someText("an audience")), v.minLength(1, "must have at least one audience")),
  ],
  "must be an audience, or a list of them",
);

const jwksUrl = v.pipe(
  v.string("a URL is needed"),
  v.check(isSafeUrl, "must be an https URL, or an http one on this machine"),
);

/** Keys that anybody on the way could replace would let anybody in. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return (
    protocol === "https:" || (protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(hostname))
  );
}

const claimValue = v.union([v.string(), v.number(), v.boolean()]);

const jwtSchema = v.strictObject({
  issuer: v.pipe(
    someText("the issuer"),
    v.check((issuer) => issuer !== apiKeyIssuer, `must not be "${apiKeyIssuer}", as whose API keys count`),
  ),
  audience,
  jwksUrl,
  requiredClaims: v.optional(
    v.pipe(
      // Valibot takes a list for a record.
      v.custom<object>(
        (claims) => typeof claims === "object" && claims !== null && !Array.isArray(claims),
        "must be an object of claims",
      ),
      v.record(
        v.string(),
        v.union(
          [claimValue, v.pipe(v.array(claimValue), v.minLength(1, "must have at least one value"))],
          "must be a text, a number, true or false, or a list of them",
        ),
      ),
    ),
    {},
  ),
  algorithms: v.optional(
    v.pipe(
      v.array(
        v.picklist(jwtAlgorithms, `must be one of ${jwtAlgorithms.join(", ")}`),
        "must be a list of algorithms",
      ),
      v.minLength(1, "must have at least one algorithm"),
    ),
    ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"],
  ),
  clockToleranceSeconds: v.optional(
    v.pipe(
      v.number("a number of seconds is needed"),
      v.integer("must be a whole number of seconds"),
      v.minValue(0, "must be at least 0 seconds"),
      v.maxValue(300, "must be at most 300 seconds"),
    ),
    5,
  ),
});

const cloudflareAccessSchema = v.strictObject({
  team: v.pipe(
    v.string("a team's name is needed"),
    v.regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be the team's name alone, without its domain"),
  ),
  audience,
  jwksUrl: v.exactOptional(jwksUrl),
});

const ways = {
  apiKeys: v.strictObject({ apiKeys: secretName }),
  jwt: v.strictObject({ jwt: jwtSchema }),
  cloudflareAccess: v.strictObject({ cloudflareAccess: cloudflareAccessSchema }),
} as const;

type Way = v.InferOutput<(typeof ways)[keyof typeof ways]>;
const noWay: v.GenericSchema<unknown, Way> = v.custom<Way>(
  () => false,
  "must be one of { apiKeys }, { jwt }, { cloudflareAccess }",
);

/** By its one member, so that what is wrong inside it is said of that. */
export const authenticationSchema: v.GenericSchema<unknown, Way> = v.lazy((input) => {
  const named = Object.keys(ways).filter(
    (name) => typeof input === "object" && input !== null && Object.hasOwn(input, name),
  );
  const [only] = named;
  return named.length === 1 ? ways[only as keyof typeof ways] : noWay;
});

/** Claims by name. */
export const claimNames = v.pipe(
  v.array(
    v.pipe(
      v.string("a claim's name is needed"),
      v.minLength(1, "must not be empty"),
      v.maxLength(128, "must have at most 128 characters"),
    ),
    "must be a list of claims",
  ),
  v.maxLength(32, "must be at most 32 claims"),
);

// The form and the defaults of one way for a caller to prove who it is. Which headers a way forbids to forward is in
// rules.ts, what it does in access/.

import * as v from "valibot";
import { apiKeyIssuer } from "../access/principal.ts";
import { jwtAlgorithms } from "./options.ts";

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

const secretName = v.pipe(
  v.string("the name of a secret is needed"),
  v.regex(/^[A-Z][A-Z0-9_]{0,63}$/, "must be the name of a secret: A-Z, 0-9 and _"),
);

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

// Options of what stands between a client and a service in HTTP: types, forms and defaults. What they do is in http/.

import * as v from "valibot";
import { isStandardSchema, type StandardSchemaV1 } from "../../protocol/index.ts";
import { wholeNumber, yesOrNo } from "./forms.ts";

/**
 * How much one caller may ask of one service. The Workers rate-limit binding counts, per Cloudflare location; what it
 * counts to stands in `[[ratelimits]]` of the Wrangler configuration, and must be said here once more, since clients are
 * told and the binding tells nobody. `npm run check-config` compares the two.
 */
export interface RateLimitOptions {
  /** Name of the binding; services may share one. */
  readonly binding: string;
  /** Requests per period (1 to 1000000); `simple.limit` of the binding. */
  readonly limit: number;
  /** `simple.period` of the binding: the platform knows these two, in seconds. */
  readonly periodSeconds: 10 | 60;
}

/** Schemas of any library that speaks Standard Schema. What they make of a value is not used: it is checked, not changed. */
export interface ValidationOptions {
  /** Of the request's body, which must then be JSON and not compressed. */
  readonly body?: StandardSchemaV1;
  /** Of an object of the query's parameters: strings, or arrays of them for those that are repeated. */
  readonly query?: StandardSchemaV1;
  /** Of an object of the route's parameters: strings, decoded. */
  readonly path?: StandardSchemaV1;
  /** Of the body of replies with status 2xx and a JSON content type; one that breaks it is a 502 for the caller. */
  readonly reply?: StandardSchemaV1;
}

/** Which pages of other origins may call the service from a browser. */
export interface CorsOptions {
  /** Such as `["https://app.example"]`; `"*"`: all, which does not go with `credentials`. */
  readonly origins: readonly string[] | "*";
  /** Whether cookies and the browser's own credentials may come along. Default false. */
  readonly credentials?: boolean;
  /** For how long a browser may remember what it was allowed, in seconds (0 to 86400). Default 600. */
  readonly maxAgeSeconds?: number;
}

/** What the gateway reads of a request before it knows whose it is. */
export interface LimitOptions {
  /** Path and query, in bytes (256 to 16384, where the platform ends); more is a 414. Default 8192. */
  readonly urlBytes?: number;
  /** Header fields, repeated ones counted once (10 to 1000); more is a 431. Default 100. */
  readonly headerCount?: number;
  /** All names and values together, in bytes (1024 to 131072, where the platform ends); more is a 431. Default 32768. */
  readonly headerBytes?: number;
}

/** An option that is not there may be undefined, once it is settled. */
export type Schemas = { readonly [Part in keyof ValidationOptions]?: StandardSchemaV1 | undefined };

export const rateLimitSchema = v.strictObject({
  binding: v.pipe(
    v.string("the name of a binding is needed"),
    v.regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, "must be named by a letter or _, then letters, digits or _"),
  ),
  limit: wholeNumber(1, 1_000_000, "requests"),
  periodSeconds: v.picklist([10, 60], "must be 10 or 60 seconds"),
});

const standardSchema = v.optional(
  v.custom<StandardSchemaV1>(isStandardSchema, "must be a schema that speaks Standard Schema"),
);

export const validationSchema = v.strictObject({
  body: standardSchema,
  query: standardSchema,
  path: standardSchema,
  reply: standardSchema,
});

const originsRule = 'must be "*", or a list of origins such as "https://app.example", without a path';

export const corsSchema = v.strictObject({
  origins: v.union(
    [
      v.literal("*"),
      v.pipe(
        v.array(
          v.pipe(
            v.string(),
            v.check((origin) => URL.canParse(origin) && new URL(origin).origin === origin, originsRule),
          ),
        ),
        v.minLength(1, originsRule),
      ),
    ],
    originsRule,
  ),
  credentials: v.optional(yesOrNo, false),
  maxAgeSeconds: v.optional(wholeNumber(0, 86_400, "seconds"), 600),
});

export const defaultLimits = { urlBytes: 8_192, headerCount: 100, headerBytes: 32_768 };

export const limitsSchema = v.strictObject({
  urlBytes: v.optional(wholeNumber(256, 16_384, "bytes"), defaultLimits.urlBytes),
  headerCount: v.optional(wholeNumber(10, 1_000, "headers"), defaultLimits.headerCount),
  headerBytes: v.optional(wholeNumber(1_024, 131_072, "bytes"), defaultLimits.headerBytes),
});

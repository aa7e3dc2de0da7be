// The form and the default of every option, and nothing about how options fit each other.

import * as v from "valibot";
import {
  dialects,
  isOwnedRecordHeader,
  isStandardSchema,
  type DialectName,
  type StandardSchemaV1,
} from "../../protocol/index.ts";
import { authenticationSchema } from "./authentication.ts";
import { drainLocations } from "./options.ts";
import { canRoute } from "./routable.ts";

const routeForm = /^(GET|POST|PUT|PATCH|DELETE) (\/\S*)$/;
/** RFC 9110 token. */
const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

const wholeNumber = (from: number, to: number, unit: string) =>
  v.pipe(
    v.number(`a number of ${unit} is needed`),
    v.integer(`must be a whole number of ${unit}`),
    v.minValue(from, `must be at least ${from} ${unit}`),
    v.maxValue(to, `must be at most ${to} ${unit}`),
  );

const yesOrNo = v.boolean("must be true or false");

const topicName = v.pipe(
  v.string("a topic name is needed"),
  v.regex(/^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/, "must be a Kafka topic name: 1 to 249 of a-z A-Z 0-9 . _ -"),
);

const nonEmpty = v.pipe(v.string(), v.minLength(1));

const partitionNumber = v.pipe(
  v.number("a partition's number is needed"),
  v.integer("must be a whole number"),
  v.minValue(0, "must be at least 0"),
  v.maxValue(999, "must be at most 999"),
);

const ownedPartitions = v.pipe(
  v.strictObject({
    own: v.pipe(
      v.array(partitionNumber, "must be a list of partitions"),
      v.minLength(1, "must have at least one partition"),
      v.check((own) => new Set(own).size === own.length, "must name each partition once"),
    ),
    of: wholeNumber(1, 1_000, "partitions"),
  }),
  v.check(({ own, of }) => own.every((partition) => partition < of), "must own partitions from 0 to of - 1"),
);

const dialectNames = ["native", ...(Object.keys(dialects) as DialectName[])] as const;

/** Of a CloudEvent: text that fits into a header, and no more of it than one reads. */
const eventText = v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,256}$/));

const longestTimeoutMs = 300_000;

const recordKeyRule = 'must be one of { path }, { query }, { header }, { body: "/json/pointer" }';

const rateLimit = v.strictObject({
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

const validation = v.strictObject({
  body: standardSchema,
  query: standardSchema,
  path: standardSchema,
  reply: standardSchema,
});

const originsRule = 'must be "*", or a list of origins such as "https://app.example", without a path';

const cors = v.strictObject({
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

const defaultLimits = { urlBytes: 8_192, headerCount: 100, headerBytes: 32_768 };

const limits = v.strictObject({
  urlBytes: v.optional(wholeNumber(256, 16_384, "bytes"), defaultLimits.urlBytes),
  headerCount: v.optional(wholeNumber(10, 1_000, "headers"), defaultLimits.headerCount),
  headerBytes: v.optional(wholeNumber(1_024, 131_072, "bytes"), defaultLimits.headerBytes),
});
const breakerDefaults = { failures: 5, openMs: 10_000, probes: 1 };

/** What comes back from JSON as it was. */
function isJson(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isJson);
  if (typeof value === "number") return Number.isFinite(value);
  return value === null || ["string", "boolean"].includes(typeof value) || isJsonObject(value);
}

function isJsonObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isJson);
}

/** Every default is written here and nowhere else; a test holds the docstrings and the README against it. */
export const serviceSchema = v.strictObject({
  route: v.pipe(
    v.string('a route such as "POST /predict" is needed'),
    v.regex(routeForm, "must be GET, POST, PUT, PATCH or DELETE, one space, and a path that starts with /"),
    v.check(
      (route) => canRoute([route.slice(route.indexOf(" ") + 1)]),
      "must be a path in Hono's syntax: what is in braces is a regular expression",
    ),
  ),
  requestTopic: topicName,
  replyTopic: topicName,
  replyPartitions: v.optional(
    v.union(
      [wholeNumber(1, 1_000, "partitions"), ownedPartitions],
      "must be a number of partitions, or { own: [3], of: 10 }",
    ),
    1,
  ),
  replyRouting: v.optional(
    v.picklist(["partition", "key", "shared"], 'must be "partition", "key" or "shared"'),
    "partition",
  ),
  timeoutMs: v.optional(wholeNumber(100, longestTimeoutMs, "ms"), 10_000),
  bodyLimitBytes: v.optional(wholeNumber(0, 1_000_000, "bytes"), 1_000_000),
  forwardHeaders: v.optional(
    v.array(
      v.pipe(
        v.string("a header name is needed"),
        v.regex(headerName, "must be a header name in lower case"),
        v.check(
          (name) => !isOwnedRecordHeader(name),
          "is set by the gateway itself, or taken for its word by a framework",
        ),
      ),
      "must be a list of header names",
    ),
    [],
  ),
  recordKey: v.optional(
    v.union(
      [
        v.strictObject({ path: nonEmpty }),
        v.strictObject({ query: nonEmpty }),
        v.strictObject({ header: nonEmpty }),
        v.strictObject({ body: v.pipe(v.string(), v.regex(/^(\/([^~/]|~[01])*)+$/)) }),
      ],
      recordKeyRule,
    ),
  ),
  correlationIds: v.optional(v.picklist(["hex", "uuid"], 'must be "hex" or "uuid"'), "hex"),
  headerDialect: v.optional(
    v.union(
      [
        v.picklist(dialectNames),
        v.strictObject({ name: v.literal("cloudevents"), type: eventText, source: eventText }),
      ],
      `must be one of ${dialectNames.join(", ")}, or { name: "cloudevents", type, source } in printable ASCII`,
    ),
    "native",
  ),
  idempotencyKey: v.optional(
    v.picklist(["optional", "required", "ignored"], 'must be "optional", "required" or "ignored"'),
    "optional",
  ),
  clientCorrelationIdAsKey: v.optional(yesOrNo, false),
  // The longest timeoutMs, so that the default fits all of them.
  asyncTimeoutMs: v.optional(wholeNumber(100, 604_800_000, "ms"), longestTimeoutMs),
  retentionMs: v.optional(wholeNumber(1_000, 2_592_000_000, "ms"), 86_400_000),
  lateReplies: v.optional(v.picklist(["discard", "keep"], 'must be "discard" or "keep"'), "discard"),
  cancelRecords: v.optional(yesOrNo, false),
  rateLimit: v.optional(rateLimit),
  validate: v.optional(validation),
  cors: v.optional(cors),
  authentication: v.optional(v.array(authenticationSchema, "must be a list of ways"), []),
  forwardClaims: v.optional(
    v.pipe(
      v.array(
        v.pipe(
          v.string("a claim's name is needed"),
          v.minLength(1, "must not be empty"),
          v.maxLength(128, "must have at most 128 characters"),
        ),
        "must be a list of claims",
      ),
      v.maxLength(32, "must be at most 32 claims"),
    ),
    [],
  ),
  capacity: v.optional(wholeNumber(1, 100_000, "requests"), 1_000),
  capacityPerPrincipal: v.optional(wholeNumber(1, 100_000, "requests")),
  breaker: v.optional(
    v.union(
      [
        v.literal(false),
        v.strictObject({
          failures: v.optional(wholeNumber(1, 1_000, "failures"), breakerDefaults.failures),
          openMs: v.optional(wholeNumber(100, 600_000, "ms"), breakerDefaults.openMs),
          probes: v.optional(wholeNumber(1, 100, "requests"), breakerDefaults.probes),
        }),
      ],
      "must be false, or an object of failures, openMs and probes, each a whole number",
    ),
    breakerDefaults,
  ),
  fallback: v.optional(
    v.strictObject({
      status: v.optional(
        v.pipe(
          wholeNumber(200, 599, "as an HTTP status"),
          v.check((status) => ![204, 205, 304].includes(status), "must be a status that has a body"),
        ),
        200,
      ),
      body: v.pipe(
        v.custom<Readonly<Record<string, unknown>>>(isJsonObject, "must be an object of JSON"),
        v.check((body) => !("degraded" in body), "must not have the member degraded, which is added"),
      ),
      onTimeout: v.optional(yesOrNo, false),
    }),
  ),
  responderGroup: v.optional(
    v.pipe(
      v.string("a consumer group's name is needed"),
      v.minLength(1, "must not be empty"),
      v.maxLength(249, "must be at most 249 characters"),
      v.check((group) => group !== "." && group !== "..", "must not be a step in a path"),
    ),
  ),
});

export const gatewaySchema = v.strictObject({
  services: v.pipe(
    v.record(
      v.pipe(
        v.string(),
        v.regex(/^[a-zA-Z][a-zA-Z0-9_-]{0,62}$/, "must be named by a letter, then letters, digits, _ or -"),
      ),
      serviceSchema,
      "must be an object of services by name",
    ),
    v.check((services) => Object.keys(services).length > 0, "must have at least one service"),
  ),
  produceTimeoutMs: v.optional(wholeNumber(100, 30_000, "ms"), 3_000),
  workersPlan: v.optional(v.picklist(["free", "paid"], 'must be "free" or "paid"'), "free"),
  drainLocation: v.optional(v.picklist(drainLocations, `must be one of ${drainLocations.join(", ")}`)),
  limits: v.optional(limits, defaultLimits),
});

// The form and the default of every option, and nothing about how options fit each other.

import * as v from "valibot";
import { dialects, isOwnedRecordHeader, type DialectName } from "../../protocol/index.ts";
import { breakerSchema, fallbackSchema, groupName } from "./admission.ts";
import { authenticationSchema, claimNames } from "./authentication.ts";
import { callbacksSchema } from "./callbacks.ts";
import { wholeNumber, yesOrNo } from "./forms.ts";
import { corsSchema, defaultLimits, limitsSchema, rateLimitSchema, validationSchema } from "./http.ts";
import { drainLocations } from "./options.ts";
import { canRoute } from "./routable.ts";

const routeForm = /^(GET|POST|PUT|PATCH|DELETE) (\/\S*)$/;
/** RFC 9110 token. */
const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

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

/** Every default is written here, or in the form that is named here; a test holds docstrings and README against it. */
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
  rateLimit: v.optional(rateLimitSchema),
  validate: v.optional(validationSchema),
  cors: v.optional(corsSchema),
  authentication: v.optional(v.array(authenticationSchema, "must be a list of ways"), []),
  forwardClaims: v.optional(claimNames, []),
  capacity: v.optional(wholeNumber(1, 100_000, "requests"), 1_000),
  capacityPerPrincipal: v.optional(wholeNumber(1, 100_000, "requests")),
  breaker: breakerSchema,
  fallback: v.optional(fallbackSchema),
  responderGroup: v.optional(groupName),
  callbacks: v.optional(callbacksSchema),
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
  limits: v.optional(limitsSchema, defaultLimits),
});

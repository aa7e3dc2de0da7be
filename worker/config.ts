// The gateway's configuration: what a user may declare, its defaults, and every rule it must keep. It
// turns options into a resolved config or a list of all problems; it reads no environment and does no I/O.

import { TrieRouter } from "hono/router/trie-router";
import * as v from "valibot";
import { isOwnedRecordHeader, type CorrelationIdForm, type OwnedPartitions } from "../protocol/index.ts";
import { mostPartitionsPerOwned, type ReplyRouting } from "./exchange/routing.ts";

/** Where the record key of a request comes from; absent or empty in a request is a 400. */
export type RecordKeySource =
  /** A parameter of the route. */
  | { readonly path: string }
  /** A query parameter. */
  | { readonly query: string }
  /** A request header. */
  | { readonly header: string }
  /** A JSON pointer (RFC 6901) into a JSON body, to a string or a number. */
  | { readonly body: string };

export interface ServiceOptions {
  /** Method and path in Hono's syntax: `"POST /predict"`, `"GET /basket/:id"`. */
  readonly route: string;
  /** Topic the request records are produced to. */
  readonly requestTopic: string;
  /** Topic the service answers to. Services may share one; then they are counted together in the ledger. */
  readonly replyTopic: string;
  /**
   * Partitions of the reply topic that this deployment owns: all of so many, counted from 0 (1 to 1000), or, where
   * several deployments share the topic, a set of them: `{ own: [3], of: 10 }`.
   * @default 1
   */
  readonly replyPartitions?: number | OwnedPartitions;
  /**
   * How a reply finds this deployment. `"partition"`: the request names the partition. `"key"`: by its record key,
   * for services that cannot choose partitions but have Java's partitioner. `"shared"`: all deployments read all
   * partitions and drop the replies of others.
   * @default "partition"
   */
  readonly replyRouting?: ReplyRouting;
  /**
   * How long a caller waits for the reply before it gets 504, in ms (100 to 300000).
   * @default 10000
   */
  readonly timeoutMs?: number;
  /**
   * Largest request body in bytes (up to 1000000); a larger one gets 413, and so does a record that is over
   * 1048576 bytes together with its key and headers, the limit of the Kafka REST API.
   * @default 1000000
   */
  readonly bodyLimitBytes?: number;
  /**
   * Names of request headers that travel to the service as record headers, in lower case. `Content-Type` and
   * the trace context always travel.
   * @default []
   */
  readonly forwardHeaders?: readonly string[];
  /**
   * Record key of the request; requests with the same key keep their order.
   * @default the correlation ID
   */
  readonly recordKey?: RecordKeySource;
  /**
   * Form of the correlation ID on the wire: the waiter's own ID in 64 hex digits, or a signed UUIDv8 for
   * services that insist on a UUID (needs the secret `CORRELATION_ID_SECRET`).
   * @default "hex"
   */
  readonly correlationIds?: CorrelationIdForm;
  /**
   * What an `Idempotency-Key` does: all requests of one caller with one key are one exchange. `"required"`: a
   * request without one gets 400. `"ignored"`: it does nothing.
   * @default "optional"
   */
  readonly idempotencyKey?: "optional" | "required" | "ignored";
  /**
   * Whether a client's `X-Correlation-ID` is its key where it sends no `Idempotency-Key`. Only for clients that never
   * use one such ID for two requests.
   * @default false
   */
  readonly clientCorrelationIdAsKey?: boolean;
  /**
   * How long an exchange may take whose caller does not wait for it (`Prefer: respond-async` or `wait=N`), in ms
   * (100 to 604800000, 7 days). Must not be shorter than `timeoutMs`.
   * @default 300000
   */
  readonly asyncTimeoutMs?: number;
  /**
   * How long a durable exchange is kept after its deadline, so that its answer can be fetched again, in ms (1000 to
   * 2592000000, 30 days).
   * @default 86400000
   */
  readonly retentionMs?: number;
  /**
   * What becomes of a reply after the deadline. `"keep"`: every exchange of the service is durable, and a late reply
   * can still be collected under the `Location` that the 504 names.
   * @default "discard"
   */
  readonly lateReplies?: "discard" | "keep";
  /**
   * Whether a request that is cancelled, or whose caller left a plain request, is taken back by a cancel record on
   * the request topic.
   * @default false
   */
  readonly cancelRecords?: boolean;
}

export interface GatewayOptions {
  /** Services by name. */
  readonly services: Readonly<Record<string, ServiceOptions>>;
  /**
   * How long a produce may take before its outcome counts as unknown, in ms (100 to 30000). Must be shorter
   * than every service's timeout.
   * @default 3000
   */
  readonly produceTimeoutMs?: number;
  /**
   * Cloudflare plan of the account: how many subrequests one run of the drain may make.
   * @default "free"
   */
  readonly workersPlan?: "free" | "paid";
  /**
   * Where the drain should run, best near the bridge (wnam, enam, sam, weur, eeur, apac, oc, afr, me).
   * @default near the first request
   */
  readonly drainLocation?: DrainLocation;
}

const drainLocations = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as const;
type DrainLocation = (typeof drainLocations)[number];

/** A service with every option settled and its route taken apart. */
export interface Service extends Required<Omit<ServiceOptions, "recordKey" | "route">> {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly recordKey: RecordKeySource | undefined;
}

export interface GatewayConfig {
  readonly services: readonly Service[];
  readonly produceTimeoutMs: number;
  readonly workersPlan: "free" | "paid";
  readonly drainLocation: DrainLocation | undefined;
}

/** One thing that is wrong: where, what was found there, and what is asked for. */
export interface ConfigProblem {
  readonly option: string;
  readonly received: string;
  readonly rule: string;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: GatewayConfig }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Thrown when a config breaks rules; the message lists all of them. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(`the gateway's config breaks ${problems.length} rule(s):\n${describeProblems(problems)}`);
    this.problems = problems;
  }
}

/** Declares a gateway: checks the options and settles every default. Throws a ConfigError. */
export function defineGateway(options: GatewayOptions): GatewayConfig {
  const resolved = resolveGateway(options);
  if (!resolved.ok) throw new ConfigError(resolved.problems);
  return resolved.config;
}

/** First path segments that the gateway keeps for itself, now or later. */
export const reservedSegments = [
  "requests",
  "replies",
  "topics",
  "ws",
  "_hearback",
  "metrics",
  "healthz",
  "readyz",
  "openapi.json",
  "asyncapi.json",
] as const;

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

const longestTimeoutMs = 300_000;

const recordKeyRule = 'must be one of { path }, { query }, { header }, { body: "/json/pointer" }';

/** Every default is written here and nowhere else; a test holds the docstrings and the README against it. */
export const serviceSchema = v.strictObject({
  route: v.pipe(
    v.string('a route such as "POST /predict" is needed'),
    v.regex(routeForm, "must be GET, POST, PUT, PATCH or DELETE, one space, and a path that starts with /"),
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
        v.check((name) => !isOwnedRecordHeader(name), "is set by the gateway itself"),
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
});

/** Checks everything and reports every problem at once. `input` may be anything: configs also come from plain JavaScript. */
export function resolveGateway(input: unknown): ConfigResult {
  const parsed = v.safeParse(gatewaySchema, input);
  if (!parsed.success) return { ok: false, problems: parsed.issues.map(shapeProblem) };
  const { services, produceTimeoutMs, workersPlan, drainLocation } = parsed.output;
  const config: GatewayConfig = {
    services: Object.entries(services).map(([name, { route, recordKey, replyPartitions, ...rest }]) => {
      const [method = "", path = ""] = route.split(" ");
      return { ...rest, replyPartitions: inOrder(replyPartitions), name, method, path, recordKey };
    }),
    produceTimeoutMs,
    workersPlan,
    drainLocation,
  };
  const problems = [
    ...config.services.flatMap((service) => serviceProblems(service, config)),
    ...topicProblems(config.services),
    ...collisionProblems(config.services),
  ];
  return problems.length > 0 ? { ok: false, problems } : { ok: true, config };
}

/** So that two sets of the same partitions are equal. */
function inOrder(partitions: number | OwnedPartitions): number | OwnedPartitions {
  if (typeof partitions === "number") return partitions;
  return { own: partitions.own.toSorted((a, b) => a - b), of: partitions.of };
}

/** One line per problem: name, received value, rule. */
function describeProblems(problems: readonly ConfigProblem[]): string {
  return problems.map(({ option, received, rule }) => `${option}: received ${received}; ${rule}`).join("\n");
}

interface ShapeIssue {
  readonly message: string;
  readonly input: unknown;
  readonly expected: string | null;
  readonly type: string;
  readonly path?: readonly { readonly key?: unknown }[] | undefined;
}

function shapeProblem(issue: ShapeIssue): ConfigProblem {
  const option = issue.path?.map(({ key }) => String(key)).join(".") ?? "config";
  const rule =
    issue.type !== "strict_object"
      ? issue.message
      : issue.expected === "never"
        ? "is not an option; check its spelling"
        : "is missing";
  return { option, received: show(issue.input), rule };
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function serviceProblems(service: Service, { produceTimeoutMs }: GatewayConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const at = (option: string) => `services.${service.name}.${option}`;
  if (service.timeoutMs <= produceTimeoutMs) {
    problems.push({
      option: at("timeoutMs"),
      received: show(service.timeoutMs),
      rule: `must be longer than produceTimeoutMs (${produceTimeoutMs})`,
    });
  }
  if (service.asyncTimeoutMs < service.timeoutMs) {
    problems.push({
      option: at("asyncTimeoutMs"),
      received: show(service.asyncTimeoutMs),
      rule: `must not be shorter than timeoutMs (${service.timeoutMs})`,
    });
  }
  if (service.clientCorrelationIdAsKey && service.idempotencyKey === "ignored") {
    problems.push({
      option: at("clientCorrelationIdAsKey"),
      received: "true",
      rule: 'must be false with idempotencyKey "ignored", where nothing is a key',
    });
  }
  problems.push(...routingProblems(service));
  const { recordKey } = service;
  if (
    recordKey !== undefined &&
    "path" in recordKey &&
    !parametersOf(service.path).includes(recordKey.path)
  ) {
    problems.push({
      option: at("recordKey.path"),
      received: show(recordKey.path),
      rule: `must be a parameter of the route "${service.method} ${service.path}"`,
    });
  }
  if (recordKey !== undefined && "body" in recordKey && service.method === "GET") {
    problems.push({
      option: at("recordKey.body"),
      received: show(recordKey.body),
      rule: "a GET request has no body to take a key from",
    });
  }
  const reserved = reservedSegments.find((segment) => captures(service.path, segment));
  if (reserved !== undefined) {
    problems.push({
      option: at("route"),
      received: show(`${service.method} ${service.path}`),
      rule: `must not match /${reserved}, which the gateway keeps for itself`,
    });
  }
  return problems;
}

/** A set of partitions fits only some ways of routing. */
function routingProblems({ name, replyPartitions, replyRouting }: Service): ConfigProblem[] {
  if (typeof replyPartitions === "number") return [];
  const problem = (rule: string): ConfigProblem[] => [
    { option: `services.${name}.replyPartitions`, received: show(replyPartitions), rule },
  ];
  if (replyRouting === "shared") {
    return problem('must be a number with replyRouting "shared", where everybody reads all partitions');
  }
  const { own, of } = replyPartitions;
  if (replyRouting === "key" && of > own.length * mostPartitionsPerOwned) {
    return problem(
      `must own one in ${mostPartitionsPerOwned} partitions with replyRouting "key", or minting an ID takes too long`,
    );
  }
  return [];
}

/**
 * A topic is for requests or for replies, and all who share a reply topic mean the same partitions of it. Whether
 * others write there is a fact of the topic, too; `partition` and `key` may stand side by side.
 */
function topicProblems(services: readonly Service[]): ConfigProblem[] {
  const requestTopics = new Set(services.map(({ requestTopic }) => requestTopic));
  const firsts = new Map<string, Service>();
  return services.flatMap((service) => {
    const problems: ConfigProblem[] = [];
    if (requestTopics.has(service.replyTopic)) {
      problems.push({
        option: `services.${service.name}.replyTopic`,
        received: show(service.replyTopic),
        rule: "must not be a request topic: replies would be read as requests",
      });
    }
    const first = firsts.get(service.replyTopic) ?? service;
    firsts.set(service.replyTopic, first);
    const mustEqual = (option: "replyPartitions" | "replyRouting"): void => {
      problems.push({
        option: `services.${service.name}.${option}`,
        received: show(service[option]),
        rule: `must equal services.${first.name}.${option} (${show(first[option])}), which has the same reply topic`,
      });
    };
    if (show(first.replyPartitions) !== show(service.replyPartitions)) mustEqual("replyPartitions");
    if ((first.replyRouting === "shared") !== (service.replyRouting === "shared")) mustEqual("replyRouting");
    return problems;
  });
}

/** Two routes collide when they are equal but for the names of their parameters. */
function collisionProblems(services: readonly Service[]): ConfigProblem[] {
  const seen = new Map<string, Service>();
  return services.flatMap((service) => {
    const shapes = shapesOf(service);
    const first = shapes.map((shape) => seen.get(shape)).find((other) => other !== undefined);
    for (const shape of shapes) seen.set(shape, service);
    if (first === undefined) return [];
    return [
      {
        option: `services.${service.name}.route`,
        received: show(`${service.method} ${service.path}`),
        rule: `must differ from services.${first.name}.route ("${first.method} ${first.path}")`,
      },
    ];
  });
}

/** The route without the names of its parameters; with and without an optional last one. */
function shapesOf({ method, path }: Service): string[] {
  const [, required, optional] = /^(.*?)(\/:[^/]+\?)?$/.exec(path) ?? [];
  const bare = (text: string) => `${method} ${text.replace(/:[^/{?]+/g, ":") || "/"}`;
  return optional === undefined ? [bare(path)] : [bare(required ?? ""), bare(path.slice(0, -1))];
}

function parametersOf(path: string): string[] {
  return [...path.matchAll(/:([^/{?]+)/g)].map(([, name]) => name ?? "");
}

/** Whether the route's first segment can be this one, whatever follows it. */
function captures(path: string, segment: string): boolean {
  const [, first = ""] = path.split("/");
  const router = new TrieRouter<true>();
  router.add("ANY", `/${first}`, true);
  return router.match("ANY", `/${segment}`)[0].length > 0;
}

// What a user may declare of a gateway and its services, and what a checked config is. Types and their meaning only:
// defaults and forms are in schema.ts, rules between options in rules.ts, and what belongs together in files of its own.

import type { CorrelationIdForm, HeaderDialect, OwnedPartitions } from "../../protocol/index.ts";
import type { ReplyRouting } from "../exchange/routing.ts";
import type { BreakerOptions, Fallback, FallbackOptions } from "./admission.ts";
import type { Authentication, AuthenticationOptions } from "./authentication.ts";
import type { CallbackOptions } from "./callbacks.ts";
import type { CorsOptions, LimitOptions, RateLimitOptions, Schemas, ValidationOptions } from "./http.ts";

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
   * The framework whose record headers the service reads; requests then have these besides the native ones. Replies are
   * read in every dialect, whatever stands here. `"spring-binary"` needs UUIDs. CloudEvents may have a type and a
   * source of their own: `{ name: "cloudevents", type: "com.example.price.asked", source: "/shop" }`.
   * @default "native"
   */
  readonly headerDialect?: "native" | HeaderDialect;
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
  /**
   * How much one caller may ask: a principal, else a client address (of IPv6 a /64). More gets 429.
   * @default no limit
   */
  readonly rateLimit?: RateLimitOptions;
  /**
   * Schemas of body, query and path, all of whose complaints are one 422, and of replies. Records carry the
   * client's own bytes.
   * @default nothing is looked into
   */
  readonly validate?: ValidationOptions;
  /**
   * Pages of which other origins may call the service; `/requests/{id}` may be asked by those of all services.
   * @default none but its own origin
   */
  readonly cors?: CorsOptions;
  /**
   * Ways for a caller to prove who it is; one of them must succeed, or it gets 401. None: everybody may ask. Keys and
   * exchanges belong to the principal that is found.
   * @default []
   */
  readonly authentication?: readonly AuthenticationOptions[];
  /**
   * Claims of the caller that travel to the service in `X-Principal`, as a JSON object of at most 4096 characters; a
   * caller whose claims are longer gets 403. A principal of an API key has `sub`, and the claims of its entry.
   * @default []
   */
  readonly forwardClaims?: readonly string[];
  /**
   * Most requests of the service that may be under way at once in one isolate (1 to 100000); one more gets 503
   * `at_capacity`.
   * @default 1000
   */
  readonly capacity?: number;
  /**
   * Most of them of one principal, or, where callers are anonymous, of one client address; one more gets 429
   * `too_many_waiting`. Must not be more than `capacity`.
   * @default as many as there are
   */
  readonly capacityPerPrincipal?: number;
  /**
   * When the service is asked no more for a while, in one isolate. `false`: never.
   * @default {"failures":5,"openMs":10000,"probes":1}
   */
  readonly breaker?: BreakerOptions | false;
  /**
   * What is answered in place of the service while its breaker is open, nobody is there to answer, or it is at
   * capacity.
   * @default 503
   */
  readonly fallback?: FallbackOptions;
  /**
   * Consumer group that answers the service's requests, where it commits at least once per `timeoutMs`. While it has no
   * members, or is further behind than that, requests get 503 `no_responder`.
   * @default nobody looks
   */
  readonly responderGroup?: string;
  /**
   * Where the end of a request may be told, to a webhook that the request names in `X-Callback-URL`:
   * `{ hosts: ["hooks.example.com"], secret: "CALLBACK_SECRET" }`. Such a request is durable.
   * @default a request that names one gets 400
   */
  readonly callbacks?: CallbackOptions;
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
  /**
   * Largest URL and headers of a request, whatever its path.
   * @default {"urlBytes":8192,"headerCount":100,"headerBytes":32768}
   */
  readonly limits?: LimitOptions;
}

export const drainLocations = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as const;
export type DrainLocation = (typeof drainLocations)[number];

/** A service with every option settled and its route taken apart. */
export interface Service
  extends
    Required<Omit<ServiceOptions, "authentication" | "route" | "breaker" | keyof UndeclaredOptions>>,
    UndeclaredOptions {
  readonly name: string;
  readonly method: string;
  /** Without a trailing slash. */
  readonly path: string;
  readonly authentication: readonly Authentication[];
  readonly breaker: Required<BreakerOptions> | false;
}

/** What a service may do without. */
interface UndeclaredOptions {
  readonly recordKey: RecordKeySource | undefined;
  readonly rateLimit?: RateLimitOptions | undefined;
  readonly validate?: Schemas | undefined;
  readonly cors?: Required<CorsOptions> | undefined;
  readonly capacityPerPrincipal: number | undefined;
  readonly fallback: Fallback | undefined;
  readonly responderGroup: string | undefined;
  readonly callbacks?: CallbackOptions | undefined;
}

export interface GatewayConfig {
  readonly services: readonly Service[];
  readonly produceTimeoutMs: number;
  readonly workersPlan: "free" | "paid";
  readonly drainLocation: DrainLocation | undefined;
  readonly limits: Required<LimitOptions>;
}

/** One thing that is wrong: where, what was found there, and what is asked for. */
export interface ConfigProblem {
  readonly option: string;
  readonly received: string;
  readonly rule: string;
}

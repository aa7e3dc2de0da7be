// The record headers by which other frameworks ask and answer, in one table: what each dialect's names are, what is
// written under them on a request and what is read from a reply. Which dialect a service speaks is its config's word.

import { correlationIdForm, uuidFromBytes, uuidToBytes, type CorrelationId } from "./ids.ts";
import { decodeText, textHeader, type RecordHeader } from "./record.ts";
import type { RequestEnvelope } from "./request.ts";

/** What a dialect can say of a request. */
export type DialectRequest = Pick<
  RequestEnvelope,
  | "correlationId"
  | "replyTopic"
  | "replyPartition"
  | "createdAt"
  | "deadlineAt"
  | "attempt"
  | "method"
  | "path"
  | "query"
  | "pathParameters"
>;

/** What a service's events are called, and by whom. */
interface EventNames {
  readonly type: string;
  readonly source: string;
}

interface Dialect {
  /** Header that a responder must send back. */
  readonly correlationId: string;
  /** `bytes`: the 16 bytes of a UUID, so its IDs must be UUIDs. */
  readonly idForm: "text" | "bytes";
  /** Absent: a responder knows by itself where it answers. */
  readonly replyTopic?: string;
  /** Absent: a responder is not told. `int32`: four bytes, big-endian. */
  readonly replyPartition?: { readonly name: string; readonly form: "text" | "int32" };
  /** Whatever else its responders read of a request, all of it text. */
  readonly others?: Readonly<
    Record<string, (request: DialectRequest, event: EventNames) => string | undefined>
  >;
  /** Of a reply: its HTTP status in decimal. */
  readonly status?: string;
  /** Of a reply: there when the responder failed. Its text may be shown to the caller if the dialect means it to be. */
  readonly failure?: { readonly name: string; readonly isShown: boolean };
}

const spring = {
  correlationId: "kafka_correlationId",
  idForm: "text",
  replyTopic: "kafka_replyTopic",
  // `@SendTo` wraps the bytes and takes an int from them, whatever form the ID has.
  replyPartition: { name: "kafka_replyPartition", form: "int32" },
  // Of a `DeadLetterPublishingRecoverer` that publishes to the reply topic. The exception's text is for operators.
  failure: { name: "kafka_dlt-exception-fqcn", isShown: false },
} as const satisfies Dialect;

/** In the order in which their headers are looked for. */
export const dialects = {
  spring,
  "spring-binary": { ...spring, idForm: "bytes" },
  nest: {
    ...spring,
    // It parses text, and leaves bytes that begin with zero as they are.
    replyPartition: { name: "kafka_replyPartition", form: "text" },
    failure: { name: "kafka_nest-err", isShown: true },
  },
  smallrye: {
    correlationId: "REPLY_CORRELATION_ID",
    idForm: "text",
    replyTopic: "REPLY_TOPIC",
    replyPartition: { name: "REPLY_PARTITION", form: "int32" },
  },
  zilla: {
    correlationId: "zilla:correlation-id",
    idForm: "text",
    replyTopic: "zilla:reply-to",
    others: {
      ":method": ({ method }) => method,
      ":path": ({ path, query }) => path + query,
    },
    status: ":status",
  },
  rig: { correlationId: "rig-correlation", idForm: "text", status: "rig-response-code" },
  "kafka-hooks": {
    correlationId: "x-plt-kafka-hooks-correlation-id",
    idForm: "text",
    others: {
      "x-plt-kafka-hooks-path-params": ({ pathParameters = {} }) => jsonUnlessEmpty(pathParameters),
      "x-plt-kafka-hooks-query-string": ({ query }) => jsonUnlessEmpty(parsedQuery(query)),
    },
    status: "x-status-code",
  },
  // The binary mode of the Kafka binding 1.0.2, with the extensions for correlation and expiry.
  cloudevents: {
    correlationId: "ce_correlationid",
    idForm: "text",
    others: {
      ce_specversion: () => "1.0",
      // Another attempt is another event: who drops repeats by ID must not drop it.
      ce_id: ({ correlationId, attempt }) => `${correlationId}:${attempt}`,
      ce_type: (_, { type }) => type,
      ce_source: (_, { source }) => source,
      ce_time: ({ createdAt }) => new Date(createdAt).toISOString(),
      ce_expirytime: ({ deadlineAt }) => new Date(deadlineAt).toISOString(),
    },
  },
} as const satisfies Readonly<Record<string, Dialect>>;

export type DialectName = keyof typeof dialects;

/** A dialect; of CloudEvents also with the type and the source that its events have. */
export type HeaderDialect = DialectName | ({ readonly name: "cloudevents" } & EventNames);

const defaultEvent: EventNames = { type: "hearback.request", source: "/hearback" };

const rows: readonly Dialect[] = Object.values(dialects);

export function dialectOf(dialect: HeaderDialect): Dialect {
  return dialects[typeof dialect === "string" ? dialect : dialect.name];
}

/**
 * What a request has in this dialect besides the native headers. The same request gives the same headers. Throws for
 * an ID that is no UUID where the dialect has room for nothing else: the config does not let that happen.
 */
export function dialectHeaders(dialect: HeaderDialect, request: DialectRequest): RecordHeader[] {
  const { correlationId, idForm, replyTopic, replyPartition, others = {} } = dialectOf(dialect);
  const headers: RecordHeader[] = [
    idForm === "bytes"
      ? { key: correlationId, value: uuidToBytes(request.correlationId) }
      : textHeader(correlationId, request.correlationId),
  ];
  if (replyTopic !== undefined) headers.push(textHeader(replyTopic, request.replyTopic));
  if (replyPartition !== undefined && request.replyPartition !== undefined) {
    headers.push(
      replyPartition.form === "int32"
        ? { key: replyPartition.name, value: int32(request.replyPartition) }
        : textHeader(replyPartition.name, String(request.replyPartition)),
    );
  }
  const event = typeof dialect === "string" ? defaultEvent : dialect;
  for (const [name, valueOf] of Object.entries(others)) {
    const value = valueOf(request, event);
    if (value !== undefined) headers.push(textHeader(name, value));
  }
  return headers;
}

/** All that a framework gives a meaning to, also what we do not write: nobody but us may put it on a request. */
const families = /^(:|kafka_|ce_|zilla:|rig-|x-plt-kafka-hooks-)/i;
const ownNames = new Set(
  rows
    .flatMap(({ correlationId, replyTopic, replyPartition, status }) => [
      correlationId,
      replyTopic,
      replyPartition?.name,
      status,
    ])
    .flatMap((name) => (name === undefined ? [] : [name.toLowerCase()])),
);

export function isDialectHeader(name: string): boolean {
  return families.test(name) || ownNames.has(name.toLowerCase());
}

/** Each once, in the order in which they are looked for. */
export const dialectCorrelationHeaders: readonly string[] = [
  ...new Set(rows.map(({ correlationId }) => correlationId)),
];

/** The IDs in the dialects' correlation headers, as text, ours or not, in the order of the table. */
export function readDialectIds(headers: readonly RecordHeader[]): string[] {
  return dialectCorrelationHeaders.flatMap((name) => idText(lastOf(headers, name)) ?? []);
}

/** How it went: an HTTP status in decimal, if the responder keeps its word, or what the caller may be told of a failure. */
export type DialectOutcome = { readonly status: string } | { readonly failure: Uint8Array };

/**
 * What the reply says in the dialects whose correlation header carries `id`; undefined if it says nothing. What
 * belongs to another ID may be the outcome of another exchange.
 */
export function readDialectOutcome(
  headers: readonly RecordHeader[],
  id: CorrelationId,
): DialectOutcome | undefined {
  if (!headers.some(({ key }) => isDialectHeader(key))) return undefined;
  const spoken = rows.filter(
    ({ correlationId }) => correlationIdForm(idText(lastOf(headers, correlationId)) ?? "")?.id === id,
  );
  for (const { failure } of spoken) {
    const said = failure && lastOf(headers, failure.name);
    if (said !== undefined) return { failure: failure?.isShown ? said : new Uint8Array() };
  }
  for (const { status } of spoken) {
    const said = status === undefined ? undefined : lastOf(headers, status);
    if (said !== undefined) return { status: decodeText(said) ?? "" };
  }
  return undefined;
}

/** No text of ours has 16 bytes, so that they can be nothing but a UUID. Undefined for bytes that are no text. */
function idText(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  return value.byteLength === 16 ? uuidFromBytes(value) : decodeText(value);
}

function lastOf(headers: readonly RecordHeader[], name: string): Uint8Array | undefined {
  const wanted = name.toLowerCase();
  return headers.findLast(({ key }) => key.toLowerCase() === wanted)?.value;
}

function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value);
  return bytes;
}

function jsonUnlessEmpty(value: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(value).length === 0 ? undefined : JSON.stringify(value);
}

/** A name that comes once has a text, one that comes again a list of them. */
function parsedQuery(query: string): Record<string, string | readonly string[]> {
  const parameters = new URLSearchParams(query);
  return Object.fromEntries(
    [...new Set(parameters.keys())].map((name) => {
      const values = parameters.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? "") : values];
    }),
  );
}

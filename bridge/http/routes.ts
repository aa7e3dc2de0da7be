// The table of routes and what each does: from a path and a body to an answer. Sockets, credentials and the
// life of a request are in server.ts, the two JSON forms in wire-plain.ts and wire-hearback.ts.

import type { Buffer } from "node:buffer";
import { hearbackPrefix } from "../../protocol/index.ts";
import type { Access } from "./access.ts";
import { badRequest, problemAnswer, type Answer, type Problem } from "./answer.ts";
import { listOf, parseFetch, parseJson, parsePartition } from "./json-body.ts";
import type { Log, OffsetQuery, RecordToAppend, Refused, TopicPartition } from "../log.ts";
import { hearbackForm } from "./wire-hearback.ts";
import { plainForm } from "./wire-plain.ts";
import type { WireForm } from "./wire-form.ts";

export interface RouteLimits {
  /** Longest wait of a fetch, whatever it asks for. */
  readonly maxFetchMs: number;
  /** Keys, values and headers in one fetch answer. */
  readonly maxFetchBytes: number;
  /** Records in one produce. */
  readonly maxProduceRecords: number;
}

export interface Call {
  readonly log: Log;
  readonly limits: RouteLimits;
  readonly access: Access;
  readonly form: WireForm;
  /** Decoded segments of the path, without the prefix. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Buffer;
  /** Aborted when nobody waits for the answer any more, or the server wants to end. */
  readonly signal: AbortSignal;
}

export interface Route {
  readonly methods: readonly string[];
  readonly answer: (call: Call) => Promise<Answer>;
}

const defaultFetchMs = 1_000;

/** First segment and number of segments name a route; the rest of a path is data. */
const routes: ReadonlyMap<string, Route> = new Map([
  ["produce 1", { methods: ["POST", "GET"], answer: produce }],
  ["produce 2", { methods: ["POST", "GET"], answer: produce }],
  ["produce 3", { methods: ["GET"], answer: produceByPath }],
  ["fetch 1", { methods: ["POST", "GET"], answer: fetchRecords }],
  ["offsets 2", { methods: ["POST", "GET"], answer: findOffsets }],
  ["topics 1", { methods: ["GET"], answer: listTopics }],
]);

/**
 * The route of a raw path. It is split before it is decoded, so that an encoded slash stays within its segment;
 * one trailing slash is accepted.
 */
export function findRoute(
  rawPath: string,
): { readonly route: Route; readonly form: WireForm; readonly segments: readonly string[] } | Problem {
  const notFound: Problem = { status: 404, problem: "there is nothing under this path" };
  const raw = rawPath.split("/").slice(1);
  if (raw.at(-1) === "") raw.pop();
  const isHearback = `/${raw[0]}` === hearbackPrefix;
  if (isHearback) raw.shift();
  const route = routes.get(`${raw[0]} ${raw.length}`);
  if (route === undefined) return notFound;
  try {
    const segments = raw.map(decodeURIComponent);
    return { route, form: isHearback ? hearbackForm : plainForm, segments };
  } catch {
    return badRequest("the path is not percent-encoded UTF-8");
  }
}

async function produce(call: Call): Promise<Answer> {
  const json = parseJson(call.body);
  if ("problem" in json) return problemAnswer(json);
  return append(call, listOf(json.value), false);
}

/** The record is in the path, its key in the query. */
async function produceByPath(call: Call): Promise<Answer> {
  return append(call, [{ value: call.segments[2], key: call.query.get("key") }], true);
}

async function append(call: Call, messages: readonly unknown[], single: boolean): Promise<Answer> {
  const { form, log, limits } = call;
  if (messages.length > limits.maxProduceRecords) {
    return problemAnswer({ status: 413, problem: `more than ${limits.maxProduceRecords} records` });
  }
  const refused = new Map<number, Refused>();
  const records: RecordToAppend[] = [];
  for (const [index, message] of messages.entries()) {
    const record = form.parseRecord(message, call.segments[1]);
    if (!("refused" in record)) {
      records.push(record);
      continue;
    }
    const problem = form.refuseAll(record);
    if (problem !== undefined) return problemAnswer(problem);
    refused.set(index, record);
  }
  const answers = [...(await log.produce(records))];
  // Ascending, so that each refusal moves the answers behind it to their records' places.
  for (const [index, refusal] of refused) answers.splice(index, 0, refusal);
  return form.produceAnswer(answers, single);
}

async function fetchRecords({ body, log, form, limits, signal }: Call): Promise<Answer> {
  const json = parseJson(body);
  if ("problem" in json) return problemAnswer(json);
  const asked = parseFetch(json.value);
  if ("problem" in asked) return problemAnswer(asked);
  const missing = await findMissing(log, form, asked.positions);
  if (missing !== undefined) return problemAnswer(missing);
  const timeoutMs = Math.min(asked.timeoutMs ?? defaultFetchMs, limits.maxFetchMs);
  const records = await log.fetch(asked.positions, { timeoutMs, maxBytes: limits.maxFetchBytes, signal });
  return { status: 200, body: form.records(records) };
}

async function findOffsets({ body, segments, log, form }: Call): Promise<Answer> {
  const query = parseQuery(segments[1] ?? "");
  if (query === undefined) return problemAnswer(badRequest("ask for earliest, latest or epoch milliseconds"));
  const json = parseJson(body);
  if ("problem" in json) return problemAnswer(json);
  const partitions: TopicPartition[] = [];
  for (const each of listOf(json.value)) {
    const partition = parsePartition(each);
    if ("problem" in partition) return problemAnswer(partition);
    partitions.push(partition);
  }
  const missing = await findMissing(log, form, partitions);
  if (missing !== undefined) return problemAnswer(missing);
  return { status: 200, body: form.offsets(await log.offsets(query, partitions)) };
}

async function listTopics({ log }: Call): Promise<Answer> {
  return { status: 200, body: Object.fromEntries(await log.topics()) };
}

function parseQuery(text: string): OffsetQuery | undefined {
  if (text === "earliest" || text === "latest") return text;
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

async function findMissing(
  log: Log,
  form: WireForm,
  partitions: readonly TopicPartition[],
): Promise<Problem | undefined> {
  if (!form.missingIsError) return undefined;
  const topics = await log.topics();
  for (const { topic, partition } of partitions) {
    const count = topics.get(topic);
    if (count === undefined) return { status: 404, problem: `there is no topic ${topic}` };
    if (partition < 0 || partition >= count) {
      return { status: 404, problem: `topic ${topic} has no partition ${partition}` };
    }
  }
  return undefined;
}

// The table of routes and what each does: from a path and a body to an answer. Sockets, credentials and the
// life of a request are in server.ts, the two JSON forms in wire-plain.ts and wire-hearback.ts.

import { hearbackPrefix } from "../../protocol/index.ts";
import { findForbidden } from "./access.ts";
import { badRequest, forbidden, problemAnswer, type Answer, type Problem } from "./answer.ts";
import { listOf, parseFetch, parseJson, parseList, parsePartition } from "./json-body.ts";
import {
  LogUnavailable,
  type Log,
  type OffsetQuery,
  type RecordToAppend,
  type Refused,
  type TopicPartition,
  lastingRetryAfter,
} from "../../kafka/log/index.ts";
import {
  commit,
  committed,
  consume,
  consumeByPath,
  deleteConsumer,
  listConsumers,
  showGroup,
} from "./group-routes.ts";
import { defaultFetchMs, type Call, type Route } from "./call.ts";
import { recordOfWebhook } from "./webhook.ts";
import { hearbackForm } from "./wire-hearback.ts";
import { plainForm } from "./wire-plain.ts";
import type { WireForm } from "./wire-form.ts";

/** First segment and number of segments name a route; the rest of a path is data. */
const routes: ReadonlyMap<string, Route> = new Map([
  ["produce 1", { methods: ["POST", "GET"], answer: produce }],
  ["produce 2", { methods: ["POST", "GET"], answer: produce }],
  ["produce 3", { methods: ["GET"], answer: produceByPath }],
  ["fetch 1", { methods: ["POST", "GET"], answer: fetchRecords }],
  ["offsets 2", { methods: ["POST", "GET"], answer: findOffsets }],
  ["topics 1", { methods: ["GET"], answer: listTopics }],
  ["consume 3", { methods: ["POST", "GET"], answer: consume }],
  ["consume 4", { methods: ["GET"], answer: consumeByPath }],
  ["commit 3", { methods: ["POST", "GET"], answer: commit }],
  ["committed 3", { methods: ["POST", "GET"], answer: committed }],
  ["consumers 1", { methods: ["GET"], answer: listConsumers }],
  ["group 3", { methods: ["GET"], answer: showGroup, isOurs: true }],
  ["delete-consumer 3", { methods: ["POST", "DELETE"], answer: deleteConsumer }],
  ["webhook 1", { methods: ["POST", "GET"], answer: webhook }],
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
  if (route === undefined || (route.isOurs === true && !isHearback)) return notFound;
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

async function webhook(call: Call): Promise<Answer> {
  const record = recordOfWebhook(call);
  return "problem" in record ? problemAnswer(record) : appendParsed(call, [record], true);
}

async function append(call: Call, messages: readonly unknown[], single: boolean): Promise<Answer> {
  const { form, limits, segments } = call;
  if (messages.length > limits.maxProduceRecords) {
    return problemAnswer({ status: 413, problem: `more than ${limits.maxProduceRecords} records` });
  }
  const records = messages.map((message) => form.parseRecord(message, segments[1]));
  return appendParsed(call, records, single);
}

async function appendParsed(
  { form, log, access }: Call,
  asked: readonly (RecordToAppend | Refused)[],
  single: boolean,
): Promise<Answer> {
  const refused = new Map<number, Refused>();
  const records: RecordToAppend[] = [];
  for (const [index, each] of asked.entries()) {
    const record = "refused" in each || access.mayProduce(each.topic) ? each : refuseTopic(each.topic);
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

function refuseTopic(topic: string): Refused {
  return { refused: forbidden(topic).problem, why: "forbidden", retryAfter: lastingRetryAfter };
}

async function fetchRecords({ body, log, form, access, limits, signal }: Call): Promise<Answer> {
  const json = parseJson(body);
  if ("problem" in json) return problemAnswer(json);
  const asked = parseFetch(json.value);
  if ("problem" in asked) return problemAnswer(asked);
  const withheld = findForbidden(access, asked.positions);
  if (withheld !== undefined) return problemAnswer(withheld);
  // While nobody can tell whether a partition exists, it reads as empty.
  const missing = await findMissing(log, form, asked.positions).catch(ignoreUnavailable);
  if (missing !== undefined) return problemAnswer(missing);
  const timeoutMs = Math.min(asked.timeoutMs ?? defaultFetchMs, limits.maxFetchMs);
  const records = await log.fetch(asked.positions, { timeoutMs, maxBytes: limits.maxFetchBytes, signal });
  return { status: 200, body: form.records(records) };
}

async function findOffsets({ body, segments, log, form, access }: Call): Promise<Answer> {
  const query = parseQuery(segments[1] ?? "");
  if (query === undefined) return problemAnswer(badRequest("ask for earliest, latest or epoch milliseconds"));
  const json = parseJson(body);
  if ("problem" in json) return problemAnswer(json);
  const partitions = parseList(json.value, parsePartition);
  if ("problem" in partitions) return problemAnswer(partitions);
  const withheld = findForbidden(access, partitions);
  if (withheld !== undefined) return problemAnswer(withheld);
  const missing = await findMissing(log, form, partitions);
  if (missing !== undefined) return problemAnswer(missing);
  return { status: 200, body: form.offsets(await log.offsets(query, partitions)) };
}

async function listTopics({ log, access }: Call): Promise<Answer> {
  const topics = [...(await log.topics())].filter(
    ([topic]) => access.mayProduce(topic) || access.mayConsume(topic),
  );
  return { status: 200, body: Object.fromEntries(topics) };
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
  for (const { topic, partition } of partitions) {
    const count = await log.partitionCount(topic);
    if (count === 0) return { status: 404, problem: `there is no topic ${topic}` };
    if (partition < 0 || partition >= count) {
      return { status: 404, problem: `topic ${topic} has no partition ${partition}` };
    }
  }
  return undefined;
}

function ignoreUnavailable(cause: unknown): undefined {
  if (!(cause instanceof LogUnavailable)) throw cause;
}

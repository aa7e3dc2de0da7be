// The routes of consumer groups: from a path, headers and a body to calls of consumers.ts and back. How an instance
// joins, reads and commits is decided there; which path leads here is routes.ts.

import type { IncomingHttpHeaders } from "node:http";
import {
  type CommittedOffset,
  type InstanceName,
  type InstanceOptions,
  groupStateOf,
  isTopicName,
} from "../../kafka/log/index.ts";
import { assignmentHeader, type GroupState } from "../../protocol/index.ts";
import { findForbidden } from "./access.ts";
import { badRequest, forbidden, problemAnswer, type Answer, type Problem } from "./answer.ts";
import { isFields, parseJson, parseList, parsePartition, parsePosition, parseTimeout } from "./json-body.ts";
import { defaultFetchMs, type Call } from "./call.ts";

const success: Answer = { status: 200, body: { result: "Success", status: 200 } };
const maxMs = 24 * 60 * 60 * 1_000;
const maxGroupName = 1_000;

export async function consume(call: Call): Promise<Answer> {
  const json = parseJson(call.body);
  if ("problem" in json) return problemAnswer(json);
  if (!isFields(json.value)) return problemAnswer(badRequest("a consume is an object"));
  const { topic, topics, timeout } = json.value;
  const waiting = parseTimeout(timeout);
  if ("problem" in waiting) return problemAnswer(waiting);
  return consumeTopics(call, topics ?? (topic === undefined ? [] : [topic]), waiting.timeoutMs);
}

/** The topic is in the path, the timeout in the query. */
export async function consumeByPath(call: Call): Promise<Answer> {
  const timeout = call.query.get("timeout");
  if (timeout !== null && !/^\d{1,9}$/.test(timeout)) {
    return problemAnswer(badRequest("a timeout is a number of milliseconds"));
  }
  return consumeTopics(call, [call.segments[3]], timeout === null ? undefined : Number(timeout));
}

async function consumeTopics(call: Call, asked: unknown, timeoutMs = defaultFetchMs): Promise<Answer> {
  const { access, consumers, form, limits, signal } = call;
  const name = instanceOf(call);
  if ("problem" in name) return problemAnswer(name);
  const options = optionsOf(call.headers);
  if ("problem" in options) return problemAnswer(options);
  const topics: unknown[] = Array.isArray(asked) ? asked : [];
  if (topics.length === 0 || !topics.every(isNamed)) {
    return problemAnswer(badRequest("a consume names one topic, or several in an array"));
  }
  const withheld = findForbidden(
    access,
    topics.map((topic) => ({ topic })),
  );
  if (withheld !== undefined) return problemAnswer(withheld);
  const answer = await consumers.consume({
    ...name,
    topics,
    options,
    timeoutMs: Math.min(timeoutMs, limits.maxFetchMs),
    signal,
  });
  if ("records" in answer) {
    const { records, assignment } = answer;
    const headers = assignment === undefined ? {} : { [assignmentHeader]: assignment };
    return { status: 200, body: form.records(records), headers };
  }
  if (answer.refused === "too-many") {
    const headers = { "retry-after": "10" };
    return problemAnswer({ status: 503, problem: "there are too many consumer instances", headers });
  }
  const { topic, partition } = answer.partition;
  return problemAnswer(badRequest(`no offset is committed for partition ${partition} of topic ${topic}`));
}

export async function commit(call: Call): Promise<Answer> {
  const { access, consumers } = call;
  const name = instanceOf(call);
  if ("problem" in name) return problemAnswer(name);
  const offsets = parseCommit(call);
  if ("problem" in offsets) return problemAnswer(offsets);
  const isLast = offsets.length === 0;
  const touched = isLast ? (consumers.topicsOf(name) ?? []).map((topic) => ({ topic })) : offsets;
  const withheld = findForbidden(access, touched);
  if (withheld !== undefined) return problemAnswer(withheld);
  const assignment = call.headers[assignmentHeader];
  const known = typeof assignment === "string" ? assignment : undefined;
  const fate = await consumers.commit(name, isLast ? undefined : offsets, known);
  if (fate === "stale") {
    return problemAnswer({ status: 409, problem: "partitions were dealt out anew since they were consumed" });
  }
  return fate === "committed" ? success : problemAnswer(unknownInstance(name));
}

/** Empty for a body that is empty or an empty array: then what was consumed last is meant. */
function parseCommit({ body }: Call): readonly CommittedOffset[] | Problem {
  if (body.length === 0) return [];
  const json = parseJson(body);
  if ("problem" in json) return json;
  return parseList(json.value, (each) => {
    const position = parsePosition(each);
    if ("problem" in position) return position;
    const { topic, partition, offset } = position;
    return offset < 0 ? badRequest("an offset is not negative") : { topic, partition, offset };
  });
}

export async function committed(call: Call): Promise<Answer> {
  const name = instanceOf(call);
  if ("problem" in name) return problemAnswer(name);
  const json = parseJson(call.body);
  if ("problem" in json) return problemAnswer(json);
  const partitions = parseList(json.value, parsePartition);
  if ("problem" in partitions) return problemAnswer(partitions);
  const withheld = findForbidden(call.access, partitions);
  if (withheld !== undefined) return problemAnswer(withheld);
  return { status: 200, body: await call.groups.committed(name.group, partitions) };
}

/** Of an instance with topics, those that may be consumed; without any of them it is not shown. */
export async function listConsumers({ groups, access }: Call): Promise<Answer> {
  const shown = (await groups.describe()).map(({ name, instances }) => ({
    name,
    instances: instances
      .map((instance) => ({
        name: instance.name,
        topics: instance.topics.filter(({ topic }) => access.mayConsume(topic)),
        had: instance.topics.length,
      }))
      .filter(({ topics, had }) => topics.length > 0 || had === 0)
      .map(({ name: instance, topics }) => ({ name: instance, topics })),
  }));
  return { status: 200, body: shown.filter(({ instances }) => instances.length > 0) };
}

/**
 * Whether somebody reads a topic, and keeps up. For whoever produces to the topic, too: it tells less of the topic than
 * its list does.
 */
export async function showGroup({ access, groups, log, segments, query }: Call): Promise<Answer> {
  const [, group = "", topic = ""] = segments;
  // Kafka takes any name for a group, and a service's group need not be made here.
  if (group === "" || group.length > maxGroupName || !isTopicName(topic)) {
    return problemAnswer(badRequest("a group and a topic are needed"));
  }
  if (!access.mayProduce(topic) && !access.mayConsume(topic)) return problemAnswer(forbidden(topic));
  const unreadMs = msOf(query.get("unread-ms") ?? "");
  if (unreadMs === undefined) return problemAnswer(badRequest("unread-ms is milliseconds up to a day"));
  const state: GroupState = await groupStateOf(log, groups, {
    group,
    topic,
    before: Date.now() - unreadMs,
  });
  return { status: 200, body: state };
}

export async function deleteConsumer(call: Call): Promise<Answer> {
  const { access, consumers, groups } = call;
  const name = instanceOf(call);
  if ("problem" in name) return problemAnswer(name);
  const topics = consumers.topicsOf(name)?.map((topic) => ({ topic })) ?? [];
  if (topics.length === 0) {
    const group = (await groups.describe()).find((each) => each.name === name.group);
    topics.push(...(group?.instances.find((each) => each.name === name.instance)?.topics ?? []));
  }
  const withheld = findForbidden(access, topics);
  if (withheld !== undefined) return problemAnswer(withheld);
  return (await consumers.remove(name)) ? success : problemAnswer(unknownInstance(name));
}

function instanceOf({ segments }: Call): InstanceName | Problem {
  const [, group = "", instance = ""] = segments;
  if (isTopicName(group) && isTopicName(instance)) return { group, instance };
  return badRequest("a group and an instance have names of 1 to 249 of the characters a-z A-Z 0-9 . _ -");
}

function isNamed(topic: unknown): topic is string {
  return typeof topic === "string" && isTopicName(topic);
}

function unknownInstance({ group, instance }: InstanceName): Problem {
  return { status: 404, problem: `there is no instance ${instance} in group ${group}` };
}

function optionsOf(headers: IncomingHttpHeaders): InstanceOptions | Problem {
  const autoCommit = headers["kafka-enable-auto-commit"] ?? "true";
  const reset = headers["kafka-auto-offset-reset"] ?? "latest";
  const autoCommitIntervalMs = msOf(headers["kafka-auto-commit-interval"] ?? "5000");
  const sessionTimeoutMs = msOf(headers["kafka-session-timeout-ms"] ?? "120000");
  if (autoCommit !== "true" && autoCommit !== "false") {
    return badRequest("Kafka-Enable-Auto-Commit is true or false");
  }
  if (reset !== "latest" && reset !== "earliest" && reset !== "none") {
    return badRequest("Kafka-Auto-Offset-Reset is latest, earliest or none");
  }
  if (autoCommitIntervalMs === undefined || sessionTimeoutMs === undefined) {
    return badRequest("Kafka-Auto-Commit-Interval and Kafka-Session-Timeout-Ms are milliseconds up to a day");
  }
  return { autoCommit: autoCommit === "true", autoCommitIntervalMs, reset, sessionTimeoutMs };
}

function msOf(text: string | string[]): number | undefined {
  const ms = typeof text === "string" && /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return ms >= 1 && ms <= maxMs ? ms : undefined;
}

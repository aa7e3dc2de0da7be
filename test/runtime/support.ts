// Shared by the runtime tests: asking the gateway, and playing the service behind it on the same bridge.

import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { assignmentOf, drainOf, type DrainLedger } from "../../consumer/library.ts";
import type { Waiter } from "../../durable/index.ts";
import { createUpstashKafka } from "../../kafka/index.ts";
import {
  decodeReplyAddress,
  drainVerdicts,
  encodeReply,
  encodeText,
  readHeader,
  textHeader,
  type DrainVerdict,
  type KafkaRecord,
  type NewRecord,
  type Reply,
} from "../../protocol/index.ts";

import config from "./gateway-config.ts";

const callTimeoutMs = 2_000;

export const kafka = createUpstashKafka({
  url: env.UPSTASH_KAFKA_REST_URL,
  username: env.UPSTASH_KAFKA_REST_USERNAME,
  password: env.UPSTASH_KAFKA_REST_PASSWORD,
});

export function ask(path: string, init?: RequestInit): Promise<Response> {
  return exports.default.fetch(new Request(`https://gateway.test${path}`, init));
}

export function post(path: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
  return ask(path, { method: "POST", body, headers });
}

/** All records of a topic so far. */
export async function recordsOf(topic: string): Promise<readonly KafkaRecord[]> {
  const partitions = [0, 1, 2].map((partition) => ({ topic, partition, offset: 0, log: "" }));
  const answer = await kafka.fetch(partitions, 0);
  return answer.status === "read" ? answer.value : [];
}

/** The request whose path or body contains `mark`, as soon as it is on its topic. */
export function requestWith(topic: string, mark: string, timeout = 1_000): Promise<KafkaRecord> {
  return vi.waitFor(
    async () => {
      const found = (await recordsOf(topic)).findLast(
        ({ headers, value }) =>
          readHeader(headers, "X-Http-Path")?.includes(mark) ||
          new TextDecoder().decode(value ?? new Uint8Array()).includes(mark),
      );
      if (found === undefined) throw new Error(`no request with ${mark} on ${topic}`);
      return found;
    },
    { interval: 10, timeout },
  );
}

export async function produce(record: NewRecord): Promise<void> {
  expect(await kafka.produce(record, callTimeoutMs)).toMatchObject({ status: "appended" });
}

/** A reply with no more than its ID and these headers. */
export function bareReply(
  id: string,
  headers: readonly [string, string][] = [],
  topic = "replies",
): NewRecord {
  return {
    topic,
    partition: 0,
    key: encodeText(id),
    value: encodeText("bare"),
    headers: [textHeader("X-Correlation-ID", id), ...headers.map(([key, value]) => textHeader(key, value))],
  };
}

let sequence = 0;

/** Answers a request as a responder would. A later call for the same request is another reply. */
export async function replyTo(
  request: KafkaRecord,
  reply: Partial<Reply> & { text?: string } = {},
): Promise<void> {
  const address = decodeReplyAddress(request.headers);
  if (typeof address === "string") throw new Error("the request names no address");
  const { text = "pong", ...rest } = reply;
  await produce(
    encodeReply(address, request.headers, {
      status: 200,
      body: encodeText(text),
      ...rest,
      sequence: sequence++,
      receivedAt: Date.now(),
      repliedAt: Date.now(),
    }),
  );
}

export function drain() {
  return drainOf({ drains: env.REPLY_DRAIN });
}

/** The drain's own view of the waiters, for as long as it lives: `change` may answer another stub than the real one. */
export async function seeWaiters(
  change: (id: string, real: DurableObjectStub<Waiter>) => DurableObjectStub<Waiter>,
): Promise<void> {
  await runInDurableObject(drain(), (instance) => {
    const { env: drainEnv } = instance as unknown as { env: { WAITER: typeof env.WAITER } };
    const get = drainEnv.WAITER.get.bind(drainEnv.WAITER);
    vi.spyOn(drainEnv.WAITER, "get").mockImplementation((id) => change(id.toString(), get(id)));
  });
}

/** What an operator gets at this path; no body where there is none. */
export async function operatorAsks(path: string, init: RequestInit = {}) {
  const response = await ask(`/_hearback/${path}`, {
    ...init,
    headers: { authorization: `Bearer ${env.HEARBACK_OPERATOR_TOKEN}` },
  });
  const text = await response.text();
  const body: unknown = text === "" ? undefined : JSON.parse(text);
  return { status: response.status, body, headers: response.headers };
}

/** Verdicts over all partitions, and whether the books balance. */
export function totals(ledger: DrainLedger) {
  const verdicts = Object.fromEntries(
    drainVerdicts.map((verdict) => [
      verdict,
      ledger.partitions.reduce((sum, partition) => sum + partition.verdicts[verdict], 0),
    ]),
  ) as Record<DrainVerdict, number>;
  const read = ledger.partitions.reduce((sum, partition) => sum + partition.read, 0);
  const inFlight = ledger.partitions.reduce((sum, partition) => sum + partition.inFlight, 0);
  return { verdicts, read, inFlight };
}

/** The drain has read everything there is: on its first start also what other test files left behind. */
async function caughtUp(): Promise<void> {
  await drain().nudge(assignmentOf(config), Date.now() + 1_000);
  await expect
    .poll(async () => {
      const { partitions } = await drain().ledger();
      const ends = await kafka.offsets("latest", partitions, callTimeoutMs);
      return (
        ends.status === "read" &&
        partitions.length > 0 &&
        partitions.every(({ offset }, at) => offset === ends.value[at]?.offset)
      );
    })
    .toBe(true);
}

/** Runs `action` and waits until exactly the expected verdicts were added. */
export async function expectVerdicts(
  action: () => Promise<unknown>,
  expected: Partial<Record<DrainVerdict, number>>,
): Promise<void> {
  await caughtUp();
  const before = totals(await drain().ledger());
  await action();
  await expect
    .poll(async () => {
      const after = totals(await drain().ledger());
      return Object.fromEntries(
        drainVerdicts
          .map((verdict) => [verdict, after.verdicts[verdict] - before.verdicts[verdict]] as const)
          .filter(([, difference]) => difference !== 0),
      );
    })
    .toEqual(expected);
}

// A client of one bridge's consumer groups, for the contract: asking again until an answer is there. A group may
// take seconds to form and a topic may appear late, so nothing is expected at the first try.

import { randomUUID } from "node:crypto";
import { Kafka } from "@upstash/kafka";
import { expect } from "vitest";
import { basic, password, raw, username, type RawAnswer } from "../../support/bridge.ts";
import { bridgeOver, type BackendUnderTest } from "./backend.ts";

export interface Message {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: string;
  readonly headers: readonly { readonly key: string; readonly value: string }[];
}

type GroupList = readonly {
  readonly name: string;
  readonly instances: readonly {
    readonly name: string;
    readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
  }[];
}[];

const patienceMs = 30_000;
export const earliest = { "kafka-auto-offset-reset": "earliest" };

/** Asks again until the answer is there; each asking is itself allowed to wait. */
export async function eventually<Found>(ask: () => Promise<Found | undefined>): Promise<Found> {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (Date.now() > giveUpAt) throw new Error("waited in vain");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A bridge over the backend, with what tests of groups ask of it, and a group that no other test uses. */
export async function open(backend: BackendUnderTest) {
  const bridge = { ...(await bridgeOver(backend)), username, password };
  const authorization = basic(bridge.username, bridge.password);
  const kafka = new Kafka(bridge);
  const unique = randomUUID().slice(0, 8);
  const call = (
    path: string,
    options: { method?: string; body?: unknown; headers?: Readonly<Record<string, string>> } = {},
  ): Promise<RawAnswer> =>
    raw(bridge.url + path, {
      ...options,
      method: options.method ?? (options.body === undefined ? "GET" : "POST"),
      headers: { authorization, ...options.headers },
    });

  const produce = (topic: string, values: readonly string[], partition?: number) =>
    kafka
      .producer()
      .produceMany(
        values.map((value) => ({ topic, value, ...(partition === undefined ? {} : { partition }) })),
      );

  async function consumeOnce(
    place: string,
    topics: readonly string[],
    headers: Readonly<Record<string, string>> = earliest,
    timeout = 500,
  ): Promise<readonly Message[]> {
    const answer = await call(`/consume/${place}`, { body: { topics, timeout }, headers });
    expect(answer.status, answer.text).toBe(200);
    return answer.json as readonly Message[];
  }

  /** Consumes until `count` records are there, and no longer. */
  async function consume(
    place: string,
    topics: readonly string[],
    count: number,
    headers?: Readonly<Record<string, string>>,
  ): Promise<readonly Message[]> {
    const found: Message[] = [];
    return eventually(async () => {
      found.push(...(await consumeOnce(place, topics, headers)));
      return found.length >= count ? found : undefined;
    });
  }

  /** Consumes on all of these places until each has its share of the topic; the share of each. */
  function sharesOf(
    group: string,
    instances: readonly string[],
    topic: string,
    partitions: number,
    headers: Readonly<Record<string, string>> = earliest,
  ): Promise<readonly (readonly number[])[]> {
    return eventually(async () => {
      await Promise.all(instances.map((each) => consumeOnce(`${group}/${each}`, [topic], headers, 100)));
      const shares = await partitionsOf(group, topic);
      const each = instances.map((instance) => shares.get(instance) ?? []);
      const isShared = each.every(({ length }) => length > 0) && each.flat().length === partitions;
      return isShared ? each : undefined;
    });
  }

  async function partitionsOf(group: string, topic: string): Promise<ReadonlyMap<string, readonly number[]>> {
    const groups = (await call("/consumers")).json as GroupList;
    const instances = groups.find(({ name }) => name === group)?.instances ?? [];
    return new Map(
      instances.map(({ name, topics }) => [
        name,
        [...(topics.find((each) => each.topic === topic)?.partitions ?? [])].toSorted(
          (one, other) => one - other,
        ),
      ]),
    );
  }

  async function committedOn(group: string, instance: string, topic: string, partition = 0) {
    const answer = await call(`/committed/${group}/${instance}`, { body: [{ topic, partition }] });
    return (answer.json as readonly { readonly offset: number }[])[0]?.offset;
  }

  const remove = (place: string) => call(`/delete-consumer/${place}`, { method: "DELETE" });

  return {
    bridge,
    kafka,
    call,
    produce,
    consume,
    consumeOnce,
    sharesOf,
    partitionsOf,
    committedOn,
    newTopic: bridge.newTopic,
    remove,
    group: `group-${unique}`,
  };
}

// What is known of the cluster: its topics, who leads which partition, whether it can be reached. It looks
// things up and creates topics; it neither reads nor writes records.

import type { Admin, Producer } from "@platformatic/kafka";
import type { Refused } from "../log/index.ts";
import { patiently } from "./patience.ts";
import {
  clusterRetryAfter,
  errorNames,
  isUnknownTopic,
  messageOf,
  refusalOfAppend,
  unavailable,
} from "./errors.ts";

export interface KnownTopic {
  readonly name: string;
  /** Identity of the topic's log: a topic that is created again has another one. */
  readonly id: string;
  /** Broker that leads, by partition; -1 for a partition without a leader. */
  readonly leaders: readonly number[];
}

export interface Cluster {
  /**
   * Undefined when there is no such topic. `maxAgeMs`: how old the answer may be, 30,000 by default; that a
   * topic does not exist is never older than 1,000. Throws `LogUnavailable`.
   */
  topic(name: string, maxAgeMs?: number): Promise<KnownTopic | undefined>;
  /** Partition count by topic, at most 1 s old. Throws `LogUnavailable`. */
  topics(): Promise<ReadonlyMap<string, number>>;
  /** With the cluster's own defaults. A topic that exists already is found. */
  create(name: string): Promise<KnownTopic | Refused>;
  /** Looks whether the cluster answers, at once; it is looked at regularly anyway. */
  look(): void;
  /** What the last look at the cluster found wrong; undefined when it answered. */
  trouble(): string | undefined;
  close(): void;
}

const defaultMaxAgeMs = 30_000;
const absentAgeMs = 1_000;
const listAgeMs = 1_000;
const pulseMs = 2_000;
/** How long a topic may take to get its leaders. */
const creationMs = 5_000;

/**
 * `producer` is asked for single topics: the producer places a record by its own view of a topic, and with
 * another view a record could land in another partition than the one it was placed in.
 */
export function createCluster(
  admin: Admin,
  producer: Pick<Producer, "metadata">,
  onEvent: (event: string) => void,
  now: () => number = Date.now,
): Cluster {
  const absent = new Map<string, number>();
  const creations = new Map<string, Promise<KnownTopic | Refused>>();
  let list: { readonly at: number; readonly topics: Promise<ReadonlyMap<string, number>> } | undefined;
  let trouble: string | undefined = "the cluster has not been reached yet";

  let isKnown = false;
  let looking = false;
  const settle = (found: string | undefined): void => {
    looking = false;
    if (!isKnown || (found === undefined) !== (trouble === undefined)) {
      onEvent(found ?? "the cluster is reached");
    }
    isKnown = true;
    trouble = found;
  };
  const look = (): void => {
    if (looking) return;
    looking = true;
    admin.metadata({ topics: [], forceUpdate: true }).then(
      () => settle(undefined),
      (cause: unknown) => settle(`the cluster cannot be reached: ${messageOf(cause)}`),
    );
  };
  look();
  const pulse = setInterval(look, pulseMs);
  pulse.unref();

  async function lookUp(name: string, maxAgeMs: number): Promise<KnownTopic | undefined> {
    try {
      const metadata = await producer.metadata({
        topics: [name],
        autocreateTopics: false,
        metadataMaxAge: maxAgeMs,
      });
      const found = metadata.topics.get(name);
      if (found === undefined) return undefined;
      // Partitions are numbered without gaps; one whose leader is being elected may still be missing here.
      return {
        name,
        id: found.id,
        leaders: Array.from(found.partitions, (partition) => partition?.leader ?? -1),
      };
    } catch (cause) {
      if (isUnknownTopic(cause) || errorNames(cause).includes("TOPIC_AUTHORIZATION_FAILED")) return undefined;
      throw cause;
    }
  }

  async function topic(name: string, maxAgeMs = defaultMaxAgeMs): Promise<KnownTopic | undefined> {
    if ((absent.get(name) ?? 0) > now() - Math.min(absentAgeMs, maxAgeMs)) return undefined;
    try {
      const known = await patiently(() => lookUp(name, maxAgeMs));
      if (known !== undefined) absent.delete(name);
      else {
        for (const [other, at] of absent) if (at <= now() - absentAgeMs) absent.delete(other);
        absent.set(name, now());
      }
      return known;
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  async function listTopics(): Promise<ReadonlyMap<string, number>> {
    for (let attempt = 0; ; attempt++) {
      try {
        const names = await admin.listTopics({});
        if (names.length === 0) return new Map();
        const { topics } = await admin.metadata({
          topics: names,
          autocreateTopics: false,
          metadataMaxAge: 0,
        });
        return new Map(
          names.flatMap((name) => {
            const found = topics.get(name);
            return found === undefined ? [] : [[name, found.partitionsCount] as const];
          }),
        );
      } catch (cause) {
        // A topic deleted between the two questions fails the second one.
        if (attempt < 3 && isUnknownTopic(cause)) continue;
        throw unavailable(cause);
      }
    }
  }

  async function createTopic(name: string): Promise<KnownTopic | Refused> {
    try {
      await admin.createTopics({ topics: [name], partitions: -1, replicas: -1 });
    } catch (cause) {
      if (!errorNames(cause).includes("TOPIC_ALREADY_EXISTS")) return creationRefused(name, cause);
    }
    const deadline = now() + creationMs;
    while (now() < deadline) {
      absent.delete(name);
      try {
        const known = await lookUp(name, 0);
        if (known !== undefined && known.leaders.every((leader) => leader >= 0)) return known;
      } catch (cause) {
        if (!errorNames(cause).includes("LEADER_NOT_AVAILABLE")) return creationRefused(name, cause);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { refused: `topic ${name} has no leader yet`, why: "unavailable", retryAfter: clusterRetryAfter };
  }

  return {
    topic,

    topics() {
      if (list === undefined || list.at <= now() - listAgeMs) {
        const fresh = { at: now(), topics: listTopics() };
        list = fresh;
        fresh.topics.catch(() => {
          if (list === fresh) list = undefined;
        });
      }
      return list.topics;
    },

    create(name) {
      const creation = creations.get(name) ?? createTopic(name).finally(() => creations.delete(name));
      creations.set(name, creation);
      return creation;
    },

    look,
    trouble: () => trouble,
    close: () => clearInterval(pulse),
  };
}

function creationRefused(name: string, cause: unknown): Refused {
  return (
    refusalOfAppend(cause) ?? {
      refused: `topic ${name} cannot be created: ${messageOf(cause)}`,
      why: "unavailable",
      retryAfter: clusterRetryAfter,
    }
  );
}

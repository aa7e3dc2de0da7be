// The topics that are wanted against those that are there: what is missing, what would lose requests or replies,
// what is only worth knowing. Pure.

import type { WantedTopic } from "./wanted.ts";

export interface FoundTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicas: number;
  readonly minInsyncReplicas: number;
  /** As Kafka writes it: `delete`, `compact`, or both. */
  readonly cleanupPolicy: string;
  /** -1: for ever. */
  readonly retentionMs: number;
  readonly maxMessageBytes: number;
}

export interface Finding {
  readonly topic: string;
  /** `missing` and `danger` fail the command, a `note` does not. */
  readonly kind: "missing" | "danger" | "note";
  readonly text: string;
  /** What `--create` does about it. */
  readonly remedy?: "create" | "add partitions";
}

/** Room that a record needs beside its body, for key, headers and framing. */
const recordOverheadBytes = 16_384;

export function compareTopics(
  wanted: readonly WantedTopic[],
  found: readonly FoundTopic[],
  brokers: number,
): Finding[] {
  const byName = new Map(found.map((topic) => [topic.name, topic]));
  return wanted.flatMap((topic) => {
    const there = byName.get(topic.name);
    if (there === undefined) {
      const text = `does not exist; ${topic.partitions} partitions are wanted`;
      return [{ topic: topic.name, kind: "missing", text, remedy: "create" } as const];
    }
    return [
      ...partitionFindings(topic, there),
      ...keepingFindings(topic, there),
      ...copyFindings(there, brokers),
    ];
  });
}

function partitionFindings({ name, role, partitions, beyond }: WantedTopic, there: FoundTopic): Finding[] {
  if (role === "request" || there.partitions === partitions) return [];
  if (there.partitions < partitions) {
    const text = `has ${there.partitions} partitions and the config says ${partitions}: replies are meant for partitions that do not exist`;
    return [{ topic: name, kind: "danger", text, remedy: "add partitions" }];
  }
  const more = `has ${there.partitions} partitions and the config says ${partitions}`;
  switch (beyond) {
    case "astray":
      return [{ topic: name, kind: "danger", text: `${more}: keys lead replies to other partitions` }];
    case "others":
      return [{ topic: name, kind: "note", text: `${more}: no request names the others for its reply` }];
    case "read":
      return [{ topic: name, kind: "note", text: `${more}: the others are read after the next tick` }];
  }
}

function keepingFindings(
  { name, longestTimeoutMs, largestBodyBytes }: WantedTopic,
  there: FoundTopic,
): Finding[] {
  const findings: Finding[] = [];
  if (there.cleanupPolicy.split(",").includes("compact")) {
    const text = `has cleanup.policy=${there.cleanupPolicy}: of records with the same key only the last one stays; set it to delete`;
    findings.push({ topic: name, kind: "danger", text });
  }
  if (there.retentionMs >= 0 && there.retentionMs < longestTimeoutMs) {
    const text = `has retention.ms=${there.retentionMs}, less than the ${longestTimeoutMs} ms an exchange may take: records go before they are read`;
    findings.push({ topic: name, kind: "danger", text });
  }
  if (largestBodyBytes > 0 && there.maxMessageBytes < largestBodyBytes + recordOverheadBytes) {
    const text = `has max.message.bytes=${there.maxMessageBytes}: a body near bodyLimitBytes (${largestBodyBytes}) may be refused with its headers`;
    findings.push({ topic: name, kind: "note", text });
  }
  return findings;
}

function copyFindings({ name, replicas, minInsyncReplicas }: FoundTopic, brokers: number): Finding[] {
  const finding = (kind: Finding["kind"], text: string): Finding[] => [{ topic: name, kind, text }];
  if (minInsyncReplicas > replicas) {
    return finding(
      "danger",
      `has min.insync.replicas=${minInsyncReplicas} and ${replicas} replicas: every produce is refused`,
    );
  }
  if (replicas === 1 && brokers > 1) {
    return finding("note", `has one replica on a cluster of ${brokers}: gone while its broker is down`);
  }
  if (replicas > 1 && minInsyncReplicas === replicas) {
    return finding(
      "note",
      `has min.insync.replicas=${minInsyncReplicas}: no produce while one broker is down`,
    );
  }
  if (replicas > 1 && minInsyncReplicas === 1) {
    return finding("note", "has min.insync.replicas=1: an acknowledged record may be lost with its broker");
  }
  return [];
}

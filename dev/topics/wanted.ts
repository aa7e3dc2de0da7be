// Which topics a config needs and what must hold for them, against what a cluster has. Pure: nothing is asked
// or created here.

/** What of a resolved config matters for topics. */
export interface ServiceTopics {
  readonly requestTopic: string;
  readonly replyTopic: string;
  readonly replyPartitions: number;
  readonly timeoutMs: number;
}

export interface WantedTopic {
  readonly name: string;
  /** At least; also what a new topic gets. */
  readonly partitions: number;
  /** At least, in ms: what a drain may have to look back for, or a responder still finds after a break. */
  readonly retentionMs: number;
}

export interface FoundTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicas: number;
  /** `cleanup.policy` as the cluster says it. */
  readonly cleanupPolicy: string;
  /** Negative: without end. */
  readonly retentionMs: number;
  readonly maxMessageBytes: number;
  readonly minInSyncReplicas: number;
}

export interface Finding {
  /** `error`: the gateway cannot keep what it promises. `note`: worth knowing. */
  readonly level: "error" | "note";
  readonly text: string;
}

export const newTopicRetentionMs = 86_400_000;
/** A drain without a position looks back by the longest timeout and this. */
const lookBackMs = 60_000;
/** The largest record that the bridge takes. */
const recordBytes = 1_048_576;

/** By name, in the order of the config. `requestPartitions`: of request topics, which the config leaves open. */
export function wantedTopics(
  services: readonly ServiceTopics[],
  requestPartitions: number,
): readonly WantedTopic[] {
  const wanted = new Map<string, WantedTopic>();
  for (const { requestTopic, replyTopic, replyPartitions, timeoutMs } of services) {
    for (const [name, partitions] of [
      [requestTopic, requestPartitions],
      [replyTopic, replyPartitions],
    ] as const) {
      const known = wanted.get(name);
      const retentionMs = Math.max(known?.retentionMs ?? 0, timeoutMs + lookBackMs);
      wanted.set(name, { name, partitions: Math.max(known?.partitions ?? 0, partitions), retentionMs });
    }
  }
  return [...wanted.values()];
}

/** `isReply`: whether the partitions are named by the gateway, so that too few of them lose replies. */
export function findingsOf(
  wanted: WantedTopic,
  found: FoundTopic | undefined,
  isReply: boolean,
): readonly Finding[] {
  if (found === undefined) return [{ level: "error", text: "missing" }];
  const findings: Finding[] = [];
  const say = (level: Finding["level"], text: string): void => void findings.push({ level, text });
  if (isReply && found.partitions < wanted.partitions) {
    say("error", `${found.partitions} partitions, but the config names ${wanted.partitions}`);
  }
  if (found.cleanupPolicy.split(",").includes("compact")) {
    say(
      "error",
      `cleanup.policy is ${found.cleanupPolicy}: compaction keeps the last record of every exchange for ever`,
    );
  }
  if (found.retentionMs >= 0 && found.retentionMs < wanted.retentionMs) {
    say(
      "error",
      `retention.ms is ${found.retentionMs}, less than the longest timeout and a minute (${wanted.retentionMs})`,
    );
  }
  if (found.maxMessageBytes < recordBytes) {
    say("note", `max.message.bytes is ${found.maxMessageBytes}: larger bodies are refused with 413`);
  }
  if (found.replicas < 2) say("note", "one replica: losing its broker loses the records");
  else if (found.minInSyncReplicas < 2)
    say("note", "min.insync.replicas is 1: an acknowledged record may be on one broker only");
  return findings;
}

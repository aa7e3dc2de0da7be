// Reads that the rings cannot answer: older records, and a first look at a partition. One fetch per broker at a
// time that never waits at the broker; what is asked meanwhile goes into the next one together.

import type { Consumer } from "@platformatic/kafka";
import { recordBytes } from "../../protocol/index.ts";
import { readFrom, type ReadOutcome, type ReadRequest } from "./reader.ts";

export interface DirectReader {
  /** Never rejects. */
  read(broker: number, request: ReadRequest): Promise<ReadOutcome>;
}

interface Waiting {
  readonly request: ReadRequest;
  readonly answer: (outcome: ReadOutcome) => void;
}

const fetchBytes = 8 * 1024 * 1024;

/** `consumer` must not be used by anybody else. */
export function createDirectReader(consumer: Consumer): DirectReader {
  const queues = new Map<number, Waiting[]>();

  async function run(broker: number): Promise<void> {
    for (;;) {
      const queue = queues.get(broker) ?? [];
      if (queue.length === 0) {
        queues.delete(broker);
        return;
      }
      // A fetch names a partition once: readers of the same one at other offsets take the next turn.
      const turn = new Map<string, Waiting[]>();
      const later: Waiting[] = [];
      for (const waiting of queue) {
        const { topicId, partition, offset } = waiting.request;
        const same = turn.get(`${topicId}/${partition}`);
        if (same === undefined) turn.set(`${topicId}/${partition}`, [waiting]);
        else if (same[0]?.request.offset === offset) same.push(waiting);
        else later.push(waiting);
      }
      queues.set(broker, later);
      const groups = [...turn.values()];
      const requests = groups.flatMap(([first]) => (first === undefined ? [] : [first.request]));
      const read = await readFrom(consumer, broker, requests, { maxWaitMs: 0, maxBytes: fetchBytes });
      const outcomes = bytesIn(read) < fetchBytes / 2 ? read : read.map(withOpenEnd);
      for (const [index, group] of groups.entries()) {
        const outcome = outcomes[index] ?? { status: "failed", reason: "the read was not answered" };
        for (const { answer } of group) answer(outcome);
      }
    }
  }

  return {
    read(broker, request) {
      return new Promise((answer) => {
        const queue = queues.get(broker);
        if (queue !== undefined) {
          queue.push({ request, answer });
          return;
        }
        queues.set(broker, [{ request, answer }]);
        void run(broker);
      });
    },
  };
}

function bytesIn(outcomes: readonly ReadOutcome[]): number {
  const records = outcomes.flatMap((outcome) => (outcome.status === "read" ? outcome.records : []));
  return records.reduce((bytes, record) => bytes + recordBytes(record), 0);
}

/** A full answer leaves out partitions that have something, too: nothing read does not mean the end then. */
function withOpenEnd(outcome: ReadOutcome): ReadOutcome {
  if (outcome.status !== "read" || outcome.records.length > 0) return outcome;
  return { ...outcome, end: Math.max(outcome.end, outcome.next + 1) };
}

// All that a run is judged by: its journals and both topics, whole, and the same found by call and by correlation ID.
// Where it comes from is in folder.ts and topics.ts, what is wrong with it in rules/.

import type { CallLine, EndFile, FaultLine, RunFile, Target, TryLine } from "../journal.ts";
import type { ReplyRecord, RequestRecord } from "./records.ts";

export interface Material {
  readonly run: RunFile;
  readonly tries: readonly TryLine[];
  readonly calls: readonly CallLine[];
  readonly faults: readonly FaultLine[];
  readonly end: EndFile;
  readonly requests: readonly RequestRecord[];
  /** In the order of their partition. */
  readonly replies: readonly ReplyRecord[];
  /** Of each reply partition, by number: the offset after its last record. */
  readonly replyEnds: readonly number[];
  /** Records that are not what the protocol says they are, each in words. */
  readonly unreadable: readonly string[];
}

export interface Facts extends Material {
  triesOf(call: string): readonly TryLine[];
  /** By the call that the body of the request names. */
  requestsFor(call: string): readonly RequestRecord[];
  requestsOf(correlationId: string): readonly RequestRecord[];
  repliesOf(correlationId: string): readonly ReplyRecord[];
  /** Those that were on at some moment from `from` to `to` (epoch ms). */
  faultsDuring(of: readonly Target[] | "any", from: number, to: number): readonly FaultLine[];
}

export function factsOf(material: Material): Facts {
  const tries = Map.groupBy(material.tries, ({ call }) => call);
  const ofCall = Map.groupBy(material.requests, ({ call }) => call);
  const requests = Map.groupBy(material.requests, ({ correlationId }) => correlationId);
  const replies = Map.groupBy(material.replies, ({ correlationId }) => correlationId);
  return {
    ...material,
    triesOf: (call) => tries.get(call) ?? [],
    requestsFor: (call) => ofCall.get(call) ?? [],
    requestsOf: (correlationId) => requests.get(correlationId) ?? [],
    repliesOf: (correlationId) => replies.get(correlationId) ?? [],
    faultsDuring: (of, from, to) =>
      material.faults.filter(
        ({ target, at, backAt }) => (of === "any" || of.includes(target)) && at <= to && backAt >= from,
      ),
  };
}

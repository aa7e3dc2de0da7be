// What differs between Upstash's plain JSON and the `/hearback` form of it, as one interface, so that every
// route is written once.

import type { KafkaRecord } from "../../protocol/index.ts";
import type { Answer, Problem } from "./answer.ts";
import type { LogOffset, ProduceAnswer, RecordToAppend, Refused } from "../../kafka/log/index.ts";

export interface WireForm {
  /** One posted message. `topic` is the one from the path, if the path has one. */
  parseRecord(message: unknown, topic: string | undefined): RecordToAppend | Refused;
  /**
   * The answer when a record cannot even be handed to the log, or undefined when this form can answer
   * record by record.
   */
  refuseAll(refusal: Refused): Problem | undefined;
  /** One answer per record, in order. `single`: the request was for one record by path. */
  produceAnswer(answers: readonly ProduceAnswer[], single: boolean): Answer;
  records(records: readonly KafkaRecord[]): unknown;
  offsets(offsets: readonly LogOffset[]): unknown;
  /** Whether reading a partition that does not exist is an error. */
  readonly missingIsError: boolean;
}

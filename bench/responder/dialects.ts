// Where a request wants its reply, in the headers of each contender. All headers are echoed, so that a contender finds
// its own correlation on the reply, whatever it is called.

export type Headers = readonly (readonly [name: Buffer, value: Buffer])[];

export interface ReplyPlace {
  readonly topic: string;
  /** Absent: by the record key. */
  readonly partition?: number;
}

interface Dialect {
  readonly topic: string;
  readonly partition: string;
}

/** The first whose topic is named counts. */
const dialects: readonly Dialect[] = [
  { topic: "X-Reply-Topic", partition: "X-Reply-Partition" },
  // Spring and NestJS; NestJS writes the partition as text.
  { topic: "kafka_replyTopic", partition: "kafka_replyPartition" },
];

/** `otherwise`: the topic of requests that name none. */
export function replyPlaceOf(headers: Headers, otherwise: string): ReplyPlace {
  for (const dialect of dialects) {
    const topic = valueOf(headers, dialect.topic);
    if (topic === undefined) continue;
    const partition = valueOf(headers, dialect.partition);
    return {
      topic: topic.toString(),
      ...(partition === undefined ? {} : { partition: partitionOf(partition) }),
    };
  }
  return { topic: otherwise };
}

function valueOf(headers: Headers, name: string): Buffer | undefined {
  return headers.find(([each]) => each.length === name.length && each.toString() === name)?.[1];
}

/** As text, or as Spring's integer of 4 bytes, whose first one is 0 for any partition that there is. */
function partitionOf(value: Buffer): number {
  return value.length === 4 && value[0] === 0 ? value.readInt32BE() : Number(value.toString());
}

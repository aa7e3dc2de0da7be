// A responder that reads and writes a log without the bridge: for tests that bend where replies go, or decide when.

import type { Log, LogPosition } from "../../kafka/log/index.ts";
import {
  decodeReplyAddress,
  decodeText,
  encodeReply,
  encodeText,
  type KafkaRecord,
  type ReplyAddress,
} from "../../protocol/index.ts";
import { atOnce } from "./bridge.ts";

export interface LogResponder {
  /** Requests read so far, answered or held back. */
  readonly received: number;
  /** Replies from now on wait for `release`. */
  hold(): void;
  /** Resolves when what was held back is answered. */
  release(): Promise<void>;
  stop(): Promise<void>;
}

export interface LogResponderOptions {
  /** Request topics; all their partitions, as they are at the start. */
  readonly topics: readonly string[];
  /** Where a reply goes; undefined: where its key leads. Default: where the request wants it. */
  readonly partitionOf?: (address: ReplyAddress) => number | undefined;
  /** Default: the name of the topic, a colon and the body. */
  readonly answerTo?: (topic: string, body: string, request: KafkaRecord) => string;
}

export function startLogResponder(log: Log, options: LogResponderOptions): LogResponder {
  const answerTo = options.answerTo ?? ((topic: string, body: string) => `${topic}:${body}`);
  const partitionOf = options.partitionOf ?? ((address: ReplyAddress) => address.replyPartition);
  const stopped = new AbortController();
  let received = 0;
  let held: KafkaRecord[] | undefined;

  async function answer(request: KafkaRecord): Promise<void> {
    const address = decodeReplyAddress(request.headers);
    if (typeof address === "string") throw new Error(address);
    const reply = encodeReply(address, request.headers, {
      status: 200,
      body: encodeText(answerTo(request.topic, decodeText(request.value ?? new Uint8Array()) ?? "", request)),
      sequence: 0,
      receivedAt: Date.now(),
      repliedAt: Date.now(),
    });
    const { partition: _, ...unplaced } = reply;
    const partition = partitionOf(address);
    const [appended] = await log.produce([
      { ...unplaced, ...(partition === undefined ? {} : { partition }) },
    ]);
    if (appended === undefined || "refused" in appended) throw new Error(JSON.stringify(appended));
  }

  async function start(): Promise<readonly LogPosition[]> {
    const counts = await Promise.all(options.topics.map((topic) => log.partitionCount(topic)));
    return options.topics.flatMap((topic, at) =>
      Array.from({ length: counts[at] ?? 0 }, (_, partition) => ({ topic, partition, offset: 0 })),
    );
  }

  async function run(): Promise<void> {
    let positions = await start();
    while (!stopped.signal.aborted) {
      const requests = await log.fetch(positions, { ...atOnce, timeoutMs: 60_000, signal: stopped.signal });
      positions = positions.map((position) => {
        const last = requests.findLast(
          ({ topic, partition }) => topic === position.topic && partition === position.partition,
        );
        return last === undefined ? position : { ...position, offset: last.offset + 1 };
      });
      received += requests.length;
      if (held === undefined) for (const request of requests) await answer(request);
      else held.push(...requests);
    }
  }
  const running = run();

  return {
    get received() {
      return received;
    },
    hold() {
      held ??= [];
    },
    async release() {
      const requests = held ?? [];
      held = undefined;
      for (const request of requests) await answer(request);
    },
    stop() {
      stopped.abort();
      return running;
    },
  };
}

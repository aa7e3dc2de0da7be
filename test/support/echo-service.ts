// A service that answers each request with the nonce it carries, when the request or the test says so, straight on
// the log: what is measured from its replies on is the gateway's alone. It remembers all it was asked.

import type { Log, LogPosition } from "../../kafka/log/index.ts";
import {
  decodeReplyAddress,
  decodeText,
  encodeReply,
  encodeText,
  readHeader,
  recordHeaders,
  type KafkaRecord,
} from "../../protocol/index.ts";
import { atOnce } from "./bridge.ts";

/** The body of a request, in JSON. */
export interface EchoRequest {
  readonly nonce: string;
  /** Of the answer; without it the answer waits for `release`. */
  readonly afterMs?: number;
}

export interface EchoService {
  readonly received: number;
  /** Records with this nonce so far; a cancel record is none. */
  recordsOf(nonce: string): number;
  /** Resolves with the correlation ID of the nonce's request, as soon as that is on its topic. */
  idOf(nonce: string): Promise<string>;
  /** Answers what was withheld, or would be. */
  release(nonce: string): Promise<void>;
  /** On the clock of `performance`, when the reply was appended to its topic. */
  repliedAt(nonce: string): number;
  stop(): Promise<void>;
}

export function startEchoService(log: Log, topic: string, partitions: number): EchoService {
  const stopped = new AbortController();
  const requests = new Map<string, KafkaRecord[]>();
  const asked = new Map<string, (() => void)[]>();
  const repliedAt = new Map<string, number>();
  const timers = new Set<NodeJS.Timeout>();
  let received = 0;

  async function answer(nonce: string): Promise<void> {
    const request = requests.get(nonce)?.at(-1);
    if (request === undefined) throw new Error(`no request with ${nonce}`);
    const address = decodeReplyAddress(request.headers);
    if (typeof address === "string") throw new Error(address);
    const now = Date.now();
    const [appended] = await log.produce([
      encodeReply(address, request.headers, {
        status: 200,
        contentType: "text/plain",
        body: encodeText(nonce),
        sequence: 0,
        receivedAt: now,
        repliedAt: now,
      }),
    ]);
    if (appended === undefined || "refused" in appended) throw new Error(JSON.stringify(appended));
    repliedAt.set(nonce, performance.now());
  }

  function take(request: KafkaRecord): void {
    if (readHeader(request.headers, recordHeaders.cancel) !== undefined) return;
    const { nonce, afterMs } = JSON.parse(decodeText(request.value ?? new Uint8Array()) ?? "") as EchoRequest;
    requests.set(nonce, [...(requests.get(nonce) ?? []), request]);
    received++;
    for (const tell of asked.get(nonce) ?? []) tell();
    asked.delete(nonce);
    if (afterMs === undefined) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      void answer(nonce);
    }, afterMs);
    timers.add(timer);
  }

  async function run(): Promise<void> {
    let positions: LogPosition[] = Array.from({ length: partitions }, (_, partition) => ({
      topic,
      partition,
      offset: 0,
    }));
    while (!stopped.signal.aborted) {
      const records = await log.fetch(positions, { ...atOnce, timeoutMs: 60_000, signal: stopped.signal });
      positions = positions.map((position) => {
        const last = records.findLast(({ partition }) => partition === position.partition);
        return last === undefined ? position : { ...position, offset: last.offset + 1 };
      });
      for (const record of records) take(record);
    }
  }
  const running = run();

  return {
    get received() {
      return received;
    },
    recordsOf: (nonce) => requests.get(nonce)?.length ?? 0,
    async idOf(nonce) {
      if (!requests.has(nonce)) {
        await new Promise<void>((resolve) => asked.set(nonce, [...(asked.get(nonce) ?? []), resolve]));
      }
      const [first] = requests.get(nonce) ?? [];
      return readHeader(first?.headers ?? [], recordHeaders.correlationId) ?? "";
    },
    release: answer,
    repliedAt: (nonce) => repliedAt.get(nonce) ?? Number.NaN,
    stop() {
      stopped.abort();
      for (const timer of timers) clearTimeout(timer);
      return running;
    },
  };
}

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
  type NewRecord,
} from "../../protocol/index.ts";
import { atOnce } from "./bridge.ts";

/** The body of a request, in JSON. */
export interface EchoRequest {
  readonly nonce: string;
  /** Of the answer; without it the answer waits for `release`. */
  readonly afterMs?: number;
}

/** On the clock of `performance`. */
export interface RepliedAt {
  /** The reply is about to be produced. */
  readonly sentAt: number;
  /** The log has it. */
  readonly appendedAt: number;
}

export interface EchoService {
  readonly received: number;
  /** Records with this nonce so far; a cancel record is none. */
  recordsOf(nonce: string): number;
  /** Of all requests so far. */
  nonces(): readonly string[];
  /** Resolves with the correlation ID of the nonce's request, as soon as that is on its topic. */
  idOf(nonce: string): Promise<string>;
  /** Answers what was withheld, or would be. */
  release(nonce: string): Promise<void>;
  /** When it was answered. */
  repliedAt(nonce: string): RepliedAt;
  /** The record that answers a request, for a test that sends it when nobody waits any more. */
  replyTo(nonce: string): NewRecord;
  stop(): Promise<void>;
}

export function startEchoService(log: Log, topic: string, partitions: number): EchoService {
  const stopped = new AbortController();
  const requests = new Map<string, KafkaRecord[]>();
  const asked = new Map<string, (() => void)[]>();
  const repliedAt = new Map<string, RepliedAt>();
  const timers = new Set<NodeJS.Timeout>();
  let received = 0;

  function replyTo(nonce: string): NewRecord {
    const request = requests.get(nonce)?.at(-1);
    if (request === undefined) throw new Error(`no request with ${nonce}`);
    const address = decodeReplyAddress(request.headers);
    if (typeof address === "string") throw new Error(address);
    const now = Date.now();
    return encodeReply(address, request.headers, {
      status: 200,
      contentType: "text/plain",
      body: encodeText(nonce),
      sequence: 0,
      receivedAt: now,
      repliedAt: now,
    });
  }

  async function answer(nonce: string): Promise<void> {
    const reply = replyTo(nonce);
    const sentAt = performance.now();
    const [appended] = await log.produce([reply]);
    if (appended === undefined || "refused" in appended) throw new Error(JSON.stringify(appended));
    repliedAt.set(nonce, { sentAt, appendedAt: performance.now() });
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
    nonces: () => [...requests.keys()],
    recordsOf: (nonce) => requests.get(nonce)?.length ?? 0,
    async idOf(nonce) {
      if (!requests.has(nonce)) {
        await new Promise<void>((resolve) => asked.set(nonce, [...(asked.get(nonce) ?? []), resolve]));
      }
      const [first] = requests.get(nonce) ?? [];
      return readHeader(first?.headers ?? [], recordHeaders.correlationId) ?? "";
    },
    release: answer,
    repliedAt: (nonce) => repliedAt.get(nonce) ?? { sentAt: Number.NaN, appendedAt: Number.NaN },
    replyTo,
    stop() {
      stopped.abort();
      for (const timer of timers) clearTimeout(timer);
      return running;
    },
  };
}

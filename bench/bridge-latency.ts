// Time from handing a record over to having read it back, through the bridge's HTTP API and through the native
// Kafka client, at a steady rate. It measures; what must run for it is started by whoever calls it.

import { Agent, request } from "node:http";
import { Consumer, Producer } from "@platformatic/kafka";

export interface Latencies {
  readonly count: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Load {
  readonly topic: string;
  /** Partitions that the topic has. */
  readonly partitions: number;
  readonly perSecond: number;
  readonly count: number;
}

/** A way to write and read records. `value` comes back to `onRecord` as it was. */
interface Path {
  produce(partition: number, value: string): Promise<void>;
  /** Ends what reads. */
  close(): Promise<void>;
}

const valueBytes = 512;

/** Resolves when every record has come back. Rejects when one has not 30 s after the last was sent. */
async function measure(
  { partitions, perSecond, count }: Load,
  open: (onRecord: (value: string) => void) => Promise<Path>,
): Promise<Latencies> {
  const sentAt = new Map<number, number>();
  const latencies: number[] = [];
  const finished = Promise.withResolvers<void>();
  const path = await open((value) => {
    const sent = sentAt.get(Number(value.slice(0, value.indexOf(" "))));
    if (sent !== undefined) latencies.push(performance.now() - sent);
    if (latencies.length === count) finished.resolve();
  });
  const startedAt = performance.now();
  const produced: Promise<void>[] = [];
  for (let n = 0; n < count; n++) {
    const wait = startedAt + (n * 1_000) / perSecond - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    sentAt.set(n, performance.now());
    produced.push(path.produce(n % partitions, `${n} `.padEnd(valueBytes, "x")));
  }
  await Promise.all(produced);
  const giveUp = setTimeout(
    () => finished.reject(new Error(`${count - latencies.length} of ${count} records did not come back`)),
    30_000,
  );
  await finished.promise.finally(() => clearTimeout(giveUp));
  await path.close();
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(count - 1, Math.floor(count * share))] ?? Number.NaN;
  return { count, p50: at(0.5), p99: at(0.99), max: at(1) };
}

export interface BridgeAddress {
  readonly url: string;
  /** An `authorization` header. */
  readonly authorization: string;
}

/** JSON over kept connections; rejects for any status but 200. */
function jsonClient({ url, authorization }: BridgeAddress) {
  const agent = new Agent({ keepAlive: true });
  const post = (path: string, body: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const bytes = JSON.stringify(body);
      const sent = request(
        url + path,
        { method: "POST", agent, headers: { authorization, "content-length": Buffer.byteLength(bytes) } },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            if (response.statusCode === 200) resolve(JSON.parse(text));
            else reject(new Error(`${path}: ${response.statusCode} ${text}`));
          });
        },
      );
      sent.on("error", reject);
      sent.end(bytes);
    });
  return { post, close: () => agent.destroy() };
}

interface WireRecord {
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

export function measureBridge(bridge: BridgeAddress, load: Load): Promise<Latencies> {
  return measure(load, async (onRecord) => {
    const { topic, partitions } = load;
    const client = jsonClient(bridge);
    const asked = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
    const positions = (await client.post("/hearback/offsets/latest", asked)) as { offset: number }[];
    const next = positions.map(({ offset }) => offset);
    let closing = false;
    const read = (async () => {
      while (!closing) {
        const topicPartitionOffsets = asked.map((each, at) => ({ ...each, offset: next[at] }));
        const records = (await client.post("/hearback/fetch", {
          topicPartitionOffsets,
          timeout: 500,
        })) as WireRecord[];
        for (const { partition, offset, value } of records) {
          next[partition] = offset + 1;
          onRecord(Buffer.from(value, "base64").toString());
        }
      }
    })();
    return {
      async produce(partition, value) {
        const record = { topic, partition, value: Buffer.from(value).toString("base64") };
        await client.post("/hearback/produce", record);
      },
      async close() {
        closing = true;
        await read;
        client.close();
      },
    };
  });
}

/** One broker that leads every partition: the setting of the measurement. */
export function measureNative(broker: string, load: Load): Promise<Latencies> {
  return measure(load, async (onRecord) => {
    const { topic, partitions } = load;
    const options = { clientId: "bench", bootstrapBrokers: [broker], maxInflights: 64 };
    const producer = new Producer(options);
    const consumer = new Consumer({ ...options, groupId: "bench" });
    const metadata = await consumer.metadata({ topics: [topic] });
    const known = metadata.topics.get(topic);
    const node = known?.partitions[0]?.leader;
    if (known === undefined || node === undefined) throw new Error(`there is no topic ${topic}`);
    const next = [...((await consumer.listOffsets({ topics: [topic] })).get(topic) ?? [])];
    let closing = false;
    const read = (async () => {
      while (!closing) {
        const answer = await consumer.fetch({
          node,
          minBytes: 1,
          maxWaitTime: 500,
          topics: [
            {
              topicId: known.id,
              partitions: Array.from({ length: partitions }, (_, partition) => ({
                partition,
                fetchOffset: next[partition] ?? 0n,
                currentLeaderEpoch: -1,
                lastFetchedEpoch: -1,
                partitionMaxBytes: 1024 * 1024,
              })),
            },
          ],
        });
        for (const { partitions: ofTopic } of answer.responses) {
          for (const { partitionIndex, records: batches } of ofTopic) {
            for (const { firstOffset, records, lastOffsetDelta } of batches ?? []) {
              const from = next[partitionIndex] ?? 0n;
              for (const { offsetDelta, value } of records)
                if (firstOffset + BigInt(offsetDelta) >= from) onRecord(value?.toString() ?? "");
              next[partitionIndex] = firstOffset + BigInt(lastOffsetDelta) + 1n;
            }
          }
        }
      }
    })();
    return {
      async produce(partition, value) {
        await producer.send({ acks: -1, messages: [{ topic, partition, value: Buffer.from(value) }] });
      },
      async close() {
        closing = true;
        await read;
        await Promise.all([producer.close(), consumer.close()]);
      },
    };
  });
}

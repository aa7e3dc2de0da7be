// Two sidecars of one service on a real Kafka: each with a reply topic of its own, and responders that know neither.

import { describe, expect, inject, test } from "vitest";
import { openKafka } from "../../kafka/native/index.ts";
import { decodeText, readHeader, recordHeaders } from "../../protocol/index.ts";
import { atOnce } from "../support/bridge.ts";
import { useCleanups } from "../support/cleanups.ts";
import { postJson, startModel } from "../support/loop.ts";
import { isAlive, startSidecar } from "../support/sidecar.ts";

const brokers = inject("kafkaBrokers");
const later = useCleanups();

describe.skipIf(brokers === null)("npm run sidecar on Kafka", () => {
  test("[B8, B14] each request is tagged with the reply topic of its own sidecar, which it created, and answered there", async () => {
    const kafka = openKafka({ brokers: [brokers ?? ""], onEvent: () => undefined });
    later(() => kafka.close());
    const [one, other] = [
      await startSidecar(["--brokers", brokers ?? "", "--name", "one"], later),
      await startSidecar(["--brokers", brokers ?? "", "--name", "other"], later),
    ];
    expect(one.command.output()).toContain("created inference.replies.v1.one: 3 partitions");
    const model = startModel(one.bridgeUrl, () => undefined);
    later(() => model.finish());
    for (const [sidecar, name] of [
      [one, "one"],
      [other, "other"],
    ] as const) {
      const answer = await postJson(`${sidecar.url}/predict`, { id: name, features: [2, 4] });
      expect([answer.status, await answer.json()]).toMatchObject([200, { id: name, prediction: 3 }]);
      const id = answer.headers.get("x-correlation-id");
      const read = (topic: string) =>
        kafka.log.fetch(
          [0, 1, 2].map((partition) => ({ topic, partition, offset: 0 })),
          atOnce,
        );
      const requests = await read("inference.requests.v1");
      const request = requests.find(({ headers }) => readHeader(headers, recordHeaders.correlationId) === id);
      expect(readHeader(request?.headers ?? [], recordHeaders.replyTopic)).toBe(
        `inference.replies.v1.${name}`,
      );
      const replies = await read(`inference.replies.v1.${name}`);
      expect(replies.map(({ key }) => key && decodeText(key))).toEqual([id]);
    }
    for (const sidecar of [one, other]) {
      const workerd = await sidecar.workerd();
      process.kill(sidecar.pid, "SIGTERM");
      expect(await sidecar.command.ended).toBe(0);
      expect(isAlive(workerd)).toBe(false);
    }
  });
});

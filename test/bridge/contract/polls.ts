// Contract of a backend: long polls, and what is read at which position.

import { describe, expect, test } from "vitest";
import { encodeText } from "../../../protocol/index.ts";
import { newName, appended, atOnce, raw, recordOf, until } from "../../support/bridge.ts";
import { bridgeOver, type BackendUnderTest } from "./backend.ts";

const forever = 30_000;

export function pollsContract(backend: BackendUnderTest): void {
  describe(`${backend.name}: polls`, () => {
    test.each(["", "/hearback"])(
      "%s a poll is answered at the first record on any of its positions",
      async (prefix) => {
        const { log, call, newTopic } = await bridgeOver(backend);
        const red = await newTopic(2);
        const topicPartitionOffsets = [
          { topic: red, partition: 0, offset: 0 },
          { topic: red, partition: 1, offset: 0 },
        ];
        const poll = call(`${prefix}/fetch`, { topicPartitionOffsets, timeout: forever });
        await until(() => log.waiting, 1);
        await call(`/produce/${red}`, { value: "x", partition: 1 });
        expect((await poll).json).toMatchObject([{ topic: red, partition: 1, offset: 0 }]);
        expect(log.waiting).toBe(0);
      },
    );

    test("a poll answers with an empty array at its timeout, which the bridge caps", async () => {
      const { call, newTopic } = await bridgeOver(backend, { maxFetchMs: 20 });
      const red = await newTopic(1);
      const position = { topic: red, partition: 0, offset: 0 };
      expect((await call("/fetch", { ...position, timeout: 1 })).text).toBe("[]");
      expect((await call("/fetch", { ...position, timeout: forever })).text).toBe("[]");
      expect((await call("/hearback/fetch", { ...position, timeout: forever })).text).toBe("[]");
    });

    test("a poll whose client has left is freed at once", async () => {
      const { url, log, newTopic } = await bridgeOver(backend);
      const red = await newTopic(1);
      const leaving = new AbortController();
      const body = { topic: red, partition: 0, offset: 0, timeout: forever };
      const poll = raw(`${url}/fetch`, { method: "POST", body, signal: leaving.signal }).catch(() => "left");
      await until(() => log.waiting, 1);
      leaving.abort();
      expect(await poll).toBe("left");
      await until(() => log.waiting, 0);
    });

    test("under /hearback a poll waits for a topic that does not exist yet", async () => {
      const { log, call } = await bridgeOver(backend);
      const later = newName();
      const poll = call("/hearback/fetch", { topic: later, partition: 0, offset: 0, timeout: forever });
      await until(() => log.waiting, 1);
      await call(`/produce/${later}`, { value: "x", partition: 0 });
      expect((await poll).json).toMatchObject([{ topic: later, offset: 0 }]);
    });

    test("a position in another log, or outside its own, is answered at once with what the others have", async () => {
      const { log, call, newTopic } = await bridgeOver(backend);
      const red = await newTopic(2);
      appended((await log.produce([recordOf(red, "x")]))[0]);
      const [known] = await log.offsets("earliest", [{ topic: red, partition: 0 }]);
      const at = (partition: number, offset: number, identity?: string) => ({
        topic: red,
        partition,
        offset,
        ...(identity === undefined ? {} : { log: identity }),
      });
      const poll = async (...topicPartitionOffsets: object[]) =>
        (await call("/hearback/fetch", { topicPartitionOffsets, timeout: forever })).json;
      expect(await poll(at(0, 1, "00000000-0000-4000-8000-000000000000"))).toEqual([]);
      expect(await poll(at(0, 2, known?.log))).toEqual([]);
      expect(await poll(at(0, -1))).toEqual([]);
      expect(await poll({ topic: "gone", partition: 0, offset: 0, log: known?.log })).toEqual([]);
      expect(await poll(at(1, 5), at(0, 0, known?.log))).toMatchObject([{ partition: 0, offset: 0 }]);
    });

    test("an answer is bounded in bytes, and a busy partition does not starve the others", async () => {
      const { log, newTopic } = await bridgeOver(backend);
      const red = await newTopic(2);
      const value = encodeText("x".repeat(1_000));
      const busy = Array.from({ length: 50 }, () => ({ ...recordOf(red, ""), value }));
      await log.produce([...busy, { ...recordOf(red, "quiet"), partition: 1 }]);
      const positions = [0, 1].map((partition) => ({ topic: red, partition, offset: 0 }));
      const records = await log.fetch(positions, { ...atOnce, maxBytes: 10_000 });
      expect(records.filter(({ partition }) => partition === 1)).toHaveLength(1);
      expect(records.filter(({ partition }) => partition === 0).map(({ offset }) => offset)).toEqual([
        0, 1, 2, 3, 4, 5, 6, 7, 8,
      ]);
    });

    test("a record larger than the bound comes alone, and partitions take turns in coming first", async () => {
      const { log, newTopic } = await bridgeOver(backend);
      const red = await newTopic(3);
      const positions = [0, 1, 2].map((partition) => ({ topic: red, partition, offset: 0 }));
      await log.produce(positions.map(({ partition }) => ({ ...recordOf(red, "x".repeat(500)), partition })));
      const served: (number | undefined)[] = [];
      for (let turn = 0; turn < 3; turn++) {
        const records = await log.fetch(positions, { ...atOnce, maxBytes: 100 });
        expect(records).toHaveLength(1);
        served.push(records[0]?.partition);
      }
      expect(new Set(served)).toEqual(new Set([0, 1, 2]));
    });
  });
}

// Several gateways over one bridge: whose replies come where, who reads them, and what happens to requests that
// wait while partitions are added or change hands.

import { describe, expect, test } from "vitest";
import { correlationIdForm, decodeText, readHeader, type KafkaRecord } from "../../protocol/index.ts";
import type { GatewayOptions, ServiceOptions } from "../../worker/config.ts";
import { atOnce, testBridge } from "../support/bridge.ts";
import { useCleanups } from "../support/cleanups.ts";
import { startGateways, type RunningGateway } from "../support/gateways.ts";
import { countFates, startLoad, type Load } from "../support/load.ts";
import { startLogResponder, type LogResponderOptions } from "../support/log-responder.ts";
import { password, startModel, user } from "../support/loop.ts";

const later = useCleanups();

const modelTopic = "inference.requests.v1";
const shop = ["orders", "customers", "baskets"] as const;
type Routed = Pick<ServiceOptions, "replyPartitions" | "replyRouting" | "correlationIds"> & {
  readonly replyTopic?: string;
};

/** Every service of the tests, with replies routed so. */
function optionsWith(routed: Routed, timeoutMs = 5_000): GatewayOptions {
  const shared = { replyTopic: "replies", ...routed, timeoutMs };
  return {
    produceTimeoutMs: 500,
    workersPlan: "paid",
    services: {
      ...Object.fromEntries(
        shop.map((name) => [name, { ...shared, route: `POST /${name}`, requestTopic: name }]),
      ),
      predict: { ...shared, route: "POST /predict", requestTopic: modelTopic },
    },
  };
}

async function startBridge(replyTopics: Readonly<Record<string, number>>) {
  const requestTopics = [...shop, modelTopic].map((topic) => [topic, 3] as const);
  return testBridge({
    username: user,
    password,
    topics: new Map([...requestTopics, ...Object.entries(replyTopics)]),
  });
}

type Bridge = Awaited<ReturnType<typeof startBridge>>;

function answering({ log }: Bridge, options: Partial<LogResponderOptions> = {}) {
  const responder = startLogResponder(log, { topics: shop, ...options });
  later(() => responder.stop());
  return responder;
}

function recordsOf({ log }: Bridge, topic: string, partition?: number): Promise<readonly KafkaRecord[]> {
  const positions = Array.from({ length: log.countPartitions(topic) }, (_, at) => ({
    topic,
    partition: at,
    offset: 0,
  }));
  return log.fetch(
    positions.filter((position) => partition === undefined || position.partition === partition),
    atOnce,
  );
}

async function repliesByPartition({ log }: Bridge, topic = "replies"): Promise<number[]> {
  const partitions = Array.from({ length: log.countPartitions(topic) }, (_, partition) => ({
    topic,
    partition,
  }));
  return (await log.offsets("latest", partitions)).map(({ offset }) => offset);
}

interface Answer {
  readonly gateway: string;
  readonly id: string;
  /** `right`, or the status of what came instead. */
  readonly fate: "right" | "wrong" | number;
  readonly tookMs: number;
}

let calls = 0;
async function callOf({ name, url }: RunningGateway, service: string): Promise<Answer> {
  const body = `call-${calls++}`;
  const startedAt = Date.now();
  const response = await fetch(`${url}/${service}`, { method: "POST", body });
  const text = await response.text();
  const right = text === `${service}:${body}` ? "right" : "wrong";
  return {
    gateway: name,
    id: response.headers.get("x-correlation-id") ?? "",
    fate: response.status === 200 ? right : response.status,
    tookMs: Date.now() - startedAt,
  };
}

/** `perGateway` calls to each, of the services in turn, all at once. */
function mixedCalls(gateways: readonly RunningGateway[], perGateway: number): Promise<Answer[]> {
  return Promise.all(
    gateways.flatMap((gateway) =>
      Array.from({ length: perGateway }, (_, at) => callOf(gateway, shop[at % shop.length] ?? "orders")),
    ),
  );
}

function fatesOf(answers: readonly Answer[]): Readonly<Record<string, number>> {
  const fates: Record<string, number> = {};
  for (const { fate } of answers) fates[fate] = (fates[fate] ?? 0) + 1;
  return fates;
}

/** Of a gateway whose every reply has its verdict. */
async function settledLedger(gateway: RunningGateway, read: number) {
  await expect.poll(async () => (await gateway.ledger()).settled, { timeout: 5_000 }).toBe(read);
  const ledger = await gateway.ledger();
  expect(ledger.settled + ledger.inFlight).toBe(ledger.read);
  const { accepted = 0, held = 0, ...others } = ledger.verdicts;
  // A reply that overtakes its caller's first hold is held and then claimed.
  return { read: ledger.read, delivered: accepted + held, ...others };
}

test("[A10] partition 3: the replies of a gateway that owns it come there, and it reads nothing else", async () => {
  const bridge = await startBridge({ replies: 10 });
  const model = startModel(bridge.url);
  later(() => model.finish());
  const { byName } = await startGateways(
    bridge.url,
    [{ name: "tenth", options: optionsWith({ replyPartitions: { own: [3], of: 10 } }) }],
    later,
  );
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, at) => {
      const body = JSON.stringify({ id: `txn_${at}`, features: [at] });
      return (await fetch(`${byName.tenth.url}/predict`, { method: "POST", body })).json();
    }),
  );
  expect(answers).toMatchObject(Array.from({ length: 20 }, (_, at) => ({ id: `txn_${at}`, prediction: at })));
  expect(await repliesByPartition(bridge)).toEqual([0, 0, 0, 20, 0, 0, 0, 0, 0, 0]);
  expect(await settledLedger(byName.tenth, 20)).toEqual({ read: 20, delivered: 20 });
  expect(await byName.tenth.partitionsRead()).toEqual(["replies/3"]);
});

test("two gateways that share their waiters: a reply may come on any partition, whichever drain reads it", async () => {
  const bridge = await startBridge({ replies: 3 });
  let replies = 0;
  answering(bridge, { partitionOf: () => replies++ % 3 });
  const { all } = await startGateways(
    bridge.url,
    [
      { name: "front-a", options: optionsWith({ replyPartitions: { own: [0, 1], of: 3 } }) },
      {
        name: "front-b",
        options: optionsWith({ replyPartitions: { own: [2], of: 3 } }),
        waitersOf: "front-a",
      },
    ],
    later,
  );
  expect(fatesOf(await mixedCalls(all, 30))).toEqual({ right: 60 });
  expect(await Promise.all(all.map((gateway, at) => settledLedger(gateway, [40, 20][at] ?? 0)))).toEqual([
    { read: 40, delivered: 40 },
    { read: 20, delivered: 20 },
  ]);
});

test("[A8] ten gateways that own a reply partition each: every reply reaches the one that holds the call", async () => {
  const bridge = await startBridge({ replies: 10 });
  answering(bridge);
  const { all } = await startGateways(
    bridge.url,
    Array.from({ length: 10 }, (_, at) => ({
      name: `gateway-${at}`,
      options: optionsWith({ replyPartitions: { own: [at], of: 10 } }, 20_000),
    })),
    later,
  );
  expect(fatesOf(await mixedCalls(all, 9))).toEqual({ right: 90 });
  for (const gateway of all) expect(await settledLedger(gateway, 9)).toEqual({ read: 9, delivered: 9 });
});

describe("three gateways that share nothing but Kafka", () => {
  const names = ["shop-0", "shop-1", "shop-2"] as const;
  const start = (bridge: Bridge, routed: (at: number) => Routed, timeoutMs?: number) =>
    startGateways(
      bridge.url,
      names.map((name, at) => ({ name, options: optionsWith(routed(at), timeoutMs) })),
      later,
    );

  test.each([
    ["a partition each of one reply topic", (at: number) => ({ replyPartitions: { own: [at], of: 3 } })],
    ["a reply topic each", (at: number) => ({ replyTopic: `replies-${at}`, replyPartitions: 3 })],
  ] as const)(
    "[A11, B2] with %s get each its own replies and read no other's: mixed calls, no cross-talk",
    async (_, routed) => {
      const bridge = await startBridge({ replies: 3, "replies-0": 3, "replies-1": 3, "replies-2": 3 });
      answering(bridge);
      const { all } = await start(bridge, routed);
      expect(fatesOf(await mixedCalls(all, 30))).toEqual({ right: 90 });
      for (const gateway of all) {
        expect(await settledLedger(gateway, 30)).toEqual({ read: 30, delivered: 30 });
      }
    },
  );

  test("[A11] a responder that ignores where a reply is wanted makes two of three calls time out", async () => {
    const bridge = await startBridge({ replies: 3 });
    const answered = [0, 0, 0];
    answering(bridge, {
      // Of the replies to one gateway, each third goes where it should.
      partitionOf: ({ replyPartition = 0 }) =>
        (replyPartition + (answered[replyPartition] = (answered[replyPartition] ?? 0) + 1)) % 3,
    });
    const { all } = await start(bridge, (at) => ({ replyPartitions: { own: [at], of: 3 } }), 2_000);
    expect(fatesOf(await mixedCalls(all, 30))).toEqual({ right: 30, 504: 60 });
    for (const gateway of all) {
      expect(await settledLedger(gateway, 30)).toEqual({ read: 30, delivered: 10, unknown: 20 });
    }
  });

  test("[B6] routed by key: no request names a partition, and each reply lands with its owner by its ID alone", async () => {
    const bridge = await startBridge({ replies: 3 });
    answering(bridge);
    const { all } = await start(bridge, (at) => ({
      replyRouting: "key",
      replyPartitions: { own: [at], of: 3 },
      correlationIds: at === 2 ? "uuid" : "hex",
    }));
    const answers = await mixedCalls(all, 30);
    expect(fatesOf(answers)).toEqual({ right: 90 });
    const requests = await recordsOf(bridge, "orders");
    expect(requests).toHaveLength(30);
    for (const { headers } of requests) expect(readHeader(headers, "X-Reply-Partition")).toBeUndefined();
    for (const [partition, gateway] of all.entries()) {
      const replies = await recordsOf(bridge, "replies", partition);
      const ids = answers.filter((answer) => answer.gateway === gateway.name).map(({ id }) => id);
      const keys = replies.map(({ key }) => decodeText(key ?? new Uint8Array()));
      expect([keys.length, new Set(keys)]).toEqual([30, new Set(ids)]);
      expect(correlationIdForm(ids[0] ?? "")?.form).toBe(partition === 2 ? "uuid" : "hex");
      expect(await settledLedger(gateway, 30)).toEqual({ read: 30, delivered: 30 });
    }
  });

  test("routed by key, the ID of a client's key leads its reply home too, and only its own gateway knows it", async () => {
    const bridge = await startBridge({ replies: 3 });
    answering(bridge);
    const { all } = await start(bridge, (at) => ({
      replyRouting: "key",
      replyPartitions: { own: [at], of: 3 },
      correlationIds: at === 0 ? "hex" : "uuid",
    }));
    // The same one for each, and again once it is answered.
    const headers = { "Idempotency-Key": '"a key of 16 characters"' };
    const ids = await Promise.all(
      all.map(async ({ url }) => {
        const call = () => fetch(`${url}/orders`, { method: "POST", body: "keyed", headers });
        const answers = [...(await Promise.all([call(), call()])), await call()];
        const texts = await Promise.all(answers.map((answer) => answer.text()));
        expect(texts).toEqual(Array.from(answers, () => "orders:keyed"));
        const [id, ...others] = new Set(
          answers.map((answer) => answer.headers.get("x-correlation-id") ?? ""),
        );
        expect(others).toEqual([]);
        return id ?? "";
      }),
    );
    expect(await recordsOf(bridge, "orders")).toHaveLength(3);
    for (const [at, id] of ids.entries()) {
      expect(correlationIdForm(id)?.form).toBe(at === 0 ? "hex" : "uuid");
      const [reply, ...others] = await recordsOf(bridge, "replies", at);
      expect([decodeText(reply?.key ?? new Uint8Array()), others]).toEqual([id, []]);
    }
    const looks = all.map(async ({ url }) => (await fetch(`${url}/requests/${ids[0]}`)).status);
    expect(await Promise.all(looks)).toEqual([200, 404, 404]);
  });

  test("[C3] in the shared form every gateway reads every reply and drops those of others: three reads for one answer", async () => {
    const bridge = await startBridge({ replies: 3 });
    answering(bridge);
    const { all } = await start(bridge, () => ({ replyRouting: "shared", replyPartitions: 3 }));
    expect(fatesOf(await mixedCalls(all, 30))).toEqual({ right: 90 });
    for (const gateway of all) {
      expect(await settledLedger(gateway, 90)).toEqual({ read: 90, delivered: 30, unknown: 60 });
    }
    const [request] = await recordsOf(bridge, "orders");
    expect(readHeader(request?.headers ?? [], "X-Reply-Partition")).toBeUndefined();
  });
});

/**
 * A deployment before and after a change of its config. Isolates of both take requests for a while, and share waiters
 * and drain: two Workers here.
 */
function beforeAndAfter(name: string, before: Routed, after: Routed, timeoutMs?: number) {
  const shared = { waitersOf: `${name}-before`, drainOf: `${name}-before` };
  return [
    { name: `${name}-before`, options: optionsWith(before, timeoutMs) },
    { ...shared, name: `${name}-after`, options: optionsWith(after, timeoutMs) },
  ];
}

describe("[B13] while requests wait", () => {
  const byKey = (...own: number[]) => ({ replyRouting: "key" as const, replyPartitions: { own, of: 3 } });
  const byKeyOf6 = (...own: number[]) => ({ replyRouting: "key" as const, replyPartitions: { own, of: 6 } });

  test("a topic that grows under keyed replies costs some of them a 504, and none once the config has followed", async () => {
    const bridge = await startBridge({ replies: 3 });
    const responder = answering(bridge);
    const { all } = await startGateways(
      bridge.url,
      beforeAndAfter("moved", byKey(1), byKeyOf6(1, 4), 2_000),
      later,
    );
    const [before, after] = all as [RunningGateway, RunningGateway];
    responder.hold();
    const waiting = mixedCalls([before], 60);
    await expect.poll(() => responder.received, { timeout: 5_000 }).toBe(60);
    bridge.log.declareTopics(new Map([["replies", 6]]));
    await before.tick();
    await responder.release();
    const answers = await waiting;
    expect(await before.partitionsRead()).toEqual(["replies/1"]);
    const [, came = 0, , , stray = 0] = await repliesByPartition(bridge);
    expect(came * stray).toBeGreaterThan(0);
    expect(fatesOf(answers)).toEqual({ right: came, 504: stray });
    expect(Math.max(...answers.map(({ tookMs }) => tookMs))).toBeLessThan(3_000);
    expect(fatesOf(await mixedCalls([after], 30))).toEqual({ right: 30 });
    expect(await settledLedger(after, 90)).toEqual({ read: 90, delivered: came + 30, late: stray });
  });

  test("a keyed topic that grows to a multiple loses nobody when the config has gone before it", async () => {
    const bridge = await startBridge({ replies: 3 });
    const responder = answering(bridge);
    const { all } = await startGateways(
      bridge.url,
      beforeAndAfter("multiple", byKey(1), byKeyOf6(1, 4)),
      later,
    );
    responder.hold();
    const waiting = mixedCalls(all, 30);
    await expect.poll(() => responder.received, { timeout: 5_000 }).toBe(60);
    bridge.log.declareTopics(new Map([["replies", 6]]));
    await responder.release();
    expect(fatesOf(await waiting)).toEqual({ right: 60 });
    const [, first = 0, , , second = 0] = await repliesByPartition(bridge);
    expect([first + second, first * second > 0]).toEqual([60, true]);
  });

  test("partitions that change hands are read by both until nobody waits, and no call is lost", async () => {
    const bridge = await startBridge({ replies: 2 });
    const responder = answering(bridge);
    const own = (partition: number) => ({ replyPartitions: { own: [partition], of: 2 } });
    const { all } = await startGateways(
      bridge.url,
      [...beforeAndAfter("left", own(0), own(1)), ...beforeAndAfter("right", own(1), own(0))],
      later,
    );
    responder.hold();
    const waiting = mixedCalls(all, 15);
    await expect.poll(() => responder.received, { timeout: 5_000 }).toBe(60);
    await responder.release();
    expect(fatesOf(await waiting)).toEqual({ right: 60 });
    for (const name of ["left-after", "right-after"]) {
      const gateway = all.find((one) => one.name === name);
      if (gateway === undefined) throw new Error(`no gateway ${name}`);
      expect(await settledLedger(gateway, 60)).toEqual({ read: 60, delivered: 30, unknown: 30 });
    }
  });
});

test.each([
  ["topic first, then the config", "partition"],
  ["config first, then the topic", "key"],
] as const)(
  "raised from 3 to 6 reply partitions under load, %s where replies are routed by %s, no call is lost",
  async (_, replyRouting) => {
    const bridge = await startBridge({ replies: 3 });
    const model = startModel(bridge.url);
    later(() => model.finish());
    const { all } = await startGateways(
      bridge.url,
      // Long enough for a busy machine: only a reply that nobody reads takes so long.
      beforeAndAfter(
        "raised",
        { replyRouting, replyPartitions: 3 },
        { replyRouting, replyPartitions: 6 },
        20_000,
      ),
      later,
    );
    const [before, after] = all as [RunningGateway, RunningGateway];
    const load = ({ url }: RunningGateway) => {
      const running = startLoad(`${url}/predict`, 20);
      later(() => running.finish());
      return running;
    };
    const moreThan = (count: number, { fates }: Load) =>
      expect.poll(() => fates.length, { timeout: 10_000 }).toBeGreaterThan(count);

    const old = load(before);
    await moreThan(20, old);
    const raise = () => bridge.log.declareTopics(new Map([["replies", 6]]));
    if (replyRouting === "partition") raise();
    const next = load(after);
    await moreThan(20, next);
    raise();
    // A deploy also resets the drain.
    await before.resetDrain();
    await moreThan(next.fates.length + 40, next);
    const fates = [...(await old.finish()), ...(await next.finish())];
    expect(countFates(fates)).toEqual({ answered: fates.length });
    expect(Math.min(...(await repliesByPartition(bridge)))).toBeGreaterThan(0);
    const ledger = await after.ledger();
    expect(ledger.settled + ledger.inFlight).toBe(ledger.read);
  },
);

test("raised from 3 to 6 request partitions under load, no call is lost, and the new ones are used", async () => {
  const bridge = await startBridge({ replies: 3 });
  const model = startModel(bridge.url);
  later(() => model.finish());
  const options = optionsWith({ replyPartitions: 3 }, 20_000);
  const { byName } = await startGateways(bridge.url, [{ name: "steady", options }], later);
  const load = startLoad(`${byName.steady.url}/predict`, 20);
  later(() => load.finish());
  const moreThan = (count: number) =>
    expect.poll(() => load.fates.length, { timeout: 10_000 }).toBeGreaterThan(count);

  await moreThan(20);
  bridge.log.declareTopics(new Map([[modelTopic, 6]]));
  await expect
    .poll(async () => (await recordsOf(bridge, modelTopic, 5)).length, { timeout: 10_000 })
    .toBeGreaterThan(5);
  await moreThan(load.fates.length + 20);
  const fates = await load.finish();
  expect(countFates(fates)).toEqual({ answered: fates.length });
  expect(await recordsOf(bridge, modelTopic)).toHaveLength(fates.length);
});

// Many gateways on one Kafka, at volume and with figures: replies routed to their owners by the responder kit, what
// becomes of them without routing, waiters that two Workers share, and partitions added under load.

import { Admin } from "@platformatic/kafka";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBasketHandler } from "../../examples/shop/baskets.ts";
import { handleCustomer } from "../../examples/shop/customers.ts";
import { handleOrder, orderSchema } from "../../examples/shop/orders.ts";
import { openKafka } from "../../kafka/native/index.ts";
import { createResponder, type Responder } from "../../responder/index.ts";
import type { ServiceOptions } from "../../worker/config.ts";
import { useCleanups } from "../support/cleanups.ts";
import { startGateways, type GatewayPlan, type RunningGateway } from "../support/gateways.ts";
import { startLogResponder } from "../support/log-responder.ts";
import { createTopics } from "../support/loop-on-kafka.ts";
import { postJson, startBridgeProcess } from "../support/loop.ts";
import { keepObjectsInMemory } from "../support/objects-in-memory.ts";
import { useOwnBroker } from "../support/own-broker.ts";
import { percentile, Proof } from "../support/proof.ts";

const proof = new Proof("routing", "Many gateways on one Kafka");
const later = useCleanups();

const broker = useOwnBroker();
beforeAll(() => {
  // Of the gateways alone: the broker has its folder on disk by now.
  const objects = keepObjectsInMemory();
  proof.add("objects of the gateways", objects.where);
  return objects.undo;
});
afterAll(() => proof.write());

function start(responder: Responder): Responder {
  const running = responder.run();
  later(() => {
    responder.stop();
    return running;
  });
  return responder;
}

/** Says what it was told, and to whom: an answer that came to the wrong caller would show. */
function startEcho(topic: string, replies: string): Responder {
  return start(
    createResponder({
      kafka: { brokers: [broker().bootstrap] },
      topic,
      replyTopics: [replies],
      concurrency: 1_000,
      handler: (request) => ({ body: `echo ${request.text()}` }),
    }),
  );
}

async function gatewaysWith(
  plans: readonly (Omit<GatewayPlan, "options"> & {
    readonly services: Readonly<Record<string, ServiceOptions>>;
  })[],
) {
  const bridge = await startBridgeProcess(0, { brokers: broker().bootstrap });
  later(() => bridge.stop());
  const { all } = await startGateways(
    bridge.url,
    plans.map(({ services, ...plan }) => ({ ...plan, options: { workersPlan: "paid" as const, services } })),
    later,
  );
  return all;
}

interface Answers {
  readonly fates: Readonly<Record<string, number>>;
  readonly tookMs: readonly number[];
  readonly seconds: number;
}

/** `count` requests in turn to each of the gateways, at a steady rate whether or not earlier ones are answered. */
async function askInTurn(urls: readonly string[], count: number, perSecond: number): Promise<Answers> {
  const fates: Record<string, number> = {};
  const tookMs: number[] = [];
  const asked: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let n = 0; n < count; n++) {
    const wait = startedAt + (n * 1_000) / perSecond - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    asked.push(
      (async () => {
        const begunAt = performance.now();
        const body = `request ${n} of ${count}`;
        const response = await fetch(`${urls[n % urls.length]}/echo`, { method: "POST", body });
        const text = await response.text();
        const fate = response.status !== 200 ? response.status : text === `echo ${body}` ? "right" : "wrong";
        fates[fate] = (fates[fate] ?? 0) + 1;
        tookMs.push(performance.now() - begunAt);
      })(),
    );
  }
  await Promise.all(asked);
  return { fates, tookMs, seconds: (performance.now() - startedAt) / 1_000 };
}

/** All ledgers together, once every reply has its verdict; each by itself is balanced. */
async function settled(gateways: readonly RunningGateway[], read: number) {
  const ledgers = () => Promise.all(gateways.map((gateway) => gateway.ledger()));
  const sumOf = (list: Awaited<ReturnType<typeof ledgers>>, key: "read" | "settled" | "inFlight") =>
    list.reduce((sum, ledger) => sum + ledger[key], 0);
  await expect.poll(async () => sumOf(await ledgers(), "settled"), { timeout: 30_000 }).toBe(read);
  const all = await ledgers();
  for (const ledger of all) expect(ledger.settled + ledger.inFlight).toBe(ledger.read);
  const foreign = all.reduce(
    (sum, { verdicts }) => sum + (verdicts.unknown ?? 0) + (verdicts.foreign ?? 0),
    0,
  );
  const text = `replies read ${sumOf(all, "read")}, sum of verdicts ${sumOf(all, "settled")}, in flight ${sumOf(all, "inFlight")}, foreign ${foreign}`;
  return { foreign, text };
}

const show = ({ fates, tookMs, seconds }: Answers): string =>
  `${Object.entries(fates)
    .map(([fate, count]) => `${count} ${fate}`)
    .join(
      ", ",
    )} in ${seconds.toFixed(1)} s; p50 ${percentile(tookMs, 0.5)} ms, p99 ${percentile(tookMs, 0.99)} ms`;

const tenOwners = (name: string, timeoutMs: number) =>
  Array.from({ length: 10 }, (_, at) => ({
    name: `${name}-${at}`,
    services: {
      echo: {
        route: "POST /echo",
        requestTopic: `${name}.requests`,
        replyTopic: `${name}.replies`,
        replyPartitions: { own: [at], of: 10 },
        timeoutMs,
        // The control is to count every reply that goes astray.
        breaker: false as const,
      },
    },
  }));

test("[A8, A11] ten gateways that own a reply partition each: 5,000 requests at 200/s, all answered right, none foreign", async () => {
  await createTopics(
    broker().bootstrap,
    new Map([
      ["ten.requests", 10],
      ["ten.replies", 10],
    ]),
  );
  startEcho("ten.requests", "ten.replies");
  const all = await gatewaysWith(tenOwners("ten", 20_000));
  const urls = all.map(({ url }) => url);
  expect((await askInTurn(urls, 200, 50)).fates).toEqual({ right: 200 });
  const answers = await askInTurn(urls, 5_000, 200);
  proof.add("ten gateways, ten reply partitions, 5,000 requests at 200/s", show(answers));
  const { foreign, text } = await settled(all, 5_200);
  proof.add("their ledgers, with 200 requests to warm up", text);
  expect(answers.fates).toEqual({ right: 5_000 });
  expect(foreign).toBe(0);
});

test("[A8] the same ten gateways behind a responder that ignores where a reply is wanted lose about nine in ten", async () => {
  await createTopics(
    broker().bootstrap,
    new Map([
      ["lost.requests", 10],
      ["lost.replies", 10],
    ]),
  );
  const kafka = openKafka({ brokers: [broker().bootstrap], onEvent: () => undefined });
  later(() => kafka.close());
  const responder = startLogResponder(kafka.log, {
    topics: ["lost.requests"],
    partitionOf: () => Math.floor(Math.random() * 10),
    answerTo: (_, body) => `echo ${body}`,
  });
  later(() => responder.stop());
  const all = await gatewaysWith(tenOwners("lost", 5_000));
  const answers = await askInTurn(
    all.map(({ url }) => url),
    1_000,
    100,
  );
  proof.add("control: routing ignored, 1,000 requests at 100/s, timeout 5 s", show(answers));
  const { text } = await settled(all, 1_000);
  proof.add("their ledgers", text);
  const { right = 0, 504: lost = 0, ...others } = answers.fates;
  expect(others).toEqual({});
  expect(lost).toBeGreaterThan(850);
  expect(lost).toBeLessThan(950);
  expect(right + lost).toBe(1_000);
});

test("[B2] three gateways before the shop, 300 mixed calls, each answered for its own", async () => {
  const topics = ["shop.orders", "shop.baskets", "shop.customers", "shop.replies"];
  await createTopics(broker().bootstrap, new Map(topics.map((topic) => [topic, 3])));
  const kafka = { brokers: [broker().bootstrap] };
  const replyTopics = ["shop.replies"];
  start(
    createResponder({ kafka, replyTopics, topic: "shop.orders", input: orderSchema, handler: handleOrder }),
  );
  start(
    createResponder({
      kafka,
      replyTopics,
      topic: "shop.baskets",
      order: "key",
      handler: createBasketHandler(),
    }),
  );
  start(createResponder({ kafka, replyTopics, topic: "shop.customers", handler: handleCustomer }));
  const all = await gatewaysWith(
    [0, 1, 2].map((at) => {
      const shop = { replyTopic: "shop.replies", replyPartitions: { own: [at], of: 3 }, timeoutMs: 20_000 };
      const byId = { ...shop, recordKey: { path: "id" } };
      return {
        name: `shop-${at}`,
        services: {
          orders: { ...shop, route: "POST /orders", requestTopic: "shop.orders" },
          basket: { ...byId, route: "GET /basket/:id", requestTopic: "shop.baskets" },
          putBasket: { ...byId, route: "PUT /basket/:id", requestTopic: "shop.baskets" },
          customer: { ...byId, route: "GET /customer/:id", requestTopic: "shop.customers" },
        },
      };
    }),
  );
  const right: string[] = [];
  const ask = async (what: string, response: Promise<Response>, status: number, wanted: object) => {
    const answer = await response;
    const body: unknown = await answer.json();
    expect([answer.status, body]).toEqual([status, expect.objectContaining(wanted)]);
    right.push(what);
  };
  await Promise.all(
    all.flatMap(({ url }, at) =>
      Array.from({ length: 20 }, async (_, n) => {
        const items = [{ sku: `sku-${at}-${n}`, quantity: n + 1 }];
        const priced = items.map((item) => ({ ...item, priceCents: 100 }));
        const order = { customerId: "ada", items: priced };
        const basket = `${url}/basket/b-${at}-${n}`;
        const put = { method: "PUT", body: JSON.stringify({ items }) };
        await ask("order", postJson(`${url}/orders`, order), 201, { ...order, totalCents: (n + 1) * 100 });
        await ask("invalid order", postJson(`${url}/orders`, { items: priced }), 422, {
          code: "body_invalid",
        });
        await ask("put basket", fetch(basket, put), 200, { items });
        await ask("basket", fetch(basket), 200, { items });
        await ask("customer", fetch(`${url}/customer/grace`), 200, { name: "Grace Hopper" });
      }),
    ),
  );
  const { foreign, text } = await settled(all, 300);
  proof.add("three gateways, shop, mixed calls", `${right.length} right; ${text}`);
  expect([right.length, foreign]).toEqual([300, 0]);
});

test("two gateway Workers on the waiters and the drain of one: 1,000 requests, whichever takes them", async () => {
  await createTopics(
    broker().bootstrap,
    new Map([
      ["both.requests", 3],
      ["both.replies", 3],
    ]),
  );
  startEcho("both.requests", "both.replies");
  const services = {
    echo: {
      route: "POST /echo",
      requestTopic: "both.requests",
      replyTopic: "both.replies",
      replyPartitions: 3,
      timeoutMs: 20_000,
    },
  };
  const all = await gatewaysWith([
    { name: "both-0", services },
    { name: "both-1", services, waitersOf: "both-0", drainOf: "both-0" },
  ]);
  const answers = await askInTurn(
    all.map(({ url }) => url),
    1_000,
    150,
  );
  proof.add("two gateway Workers bound to one Waiter namespace, 1,000 requests at 150/s", show(answers));
  const { text } = await settled(all.slice(0, 1), 1_000);
  proof.add("their ledger", text);
  expect(answers.fates).toEqual({ right: 1_000 });
});

test("reply partitions raised from 3 to 6 under load: nobody who waits is lost", async () => {
  const replyTopic = "raised.replies";
  await createTopics(
    broker().bootstrap,
    new Map([
      ["raised.requests", 3],
      [replyTopic, 3],
    ]),
  );
  startEcho("raised.requests", replyTopic);
  const servicesWith = (replyPartitions: number) => ({
    echo: {
      route: "POST /echo",
      requestTopic: "raised.requests",
      replyTopic,
      replyPartitions,
      timeoutMs: 10_000,
    },
  });
  // A deploy, as its requests see it: those of the old config and those of the new one have the same objects.
  const [old, deployed] = await gatewaysWith([
    { name: "raised-3", services: servicesWith(3) },
    { name: "raised-6", services: servicesWith(6), waitersOf: "raised-3", drainOf: "raised-3" },
  ]);
  if (old === undefined || deployed === undefined) throw new Error("there are two gateways");
  const first = askInTurn([old.url], 1_500, 75);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [broker().bootstrap] });
  await admin.createPartitions({ topics: [{ name: replyTopic, count: 6 }] });
  await admin.close();
  const second = askInTurn([deployed.url], 1_000, 75);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await old.resetDrain();
  const answers = [await first, await second];
  const { text } = await settled([old], 2_500);
  const read = await old.partitionsRead();
  proof.add(
    "reply partitions raised from 3 to 6 under 75 to 150 req/s; topic first, then the config, and the drain reset",
    `before and through it: ${answers.map(show).join("; after: ")}; ${text}; partitions read ${read.length}`,
  );
  expect(answers.map(({ fates }) => fates)).toEqual([{ right: 1_500 }, { right: 1_000 }]);
  expect(read).toHaveLength(6);
});

// Durable exchanges through the gateway in the Workers runtime, with a real bridge behind it; the test plays the
// service. Every test has keys of its own.

import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { encodeRequest, encodeText, readHeader, type KafkaRecord } from "../../protocol/index.ts";
import type { WaiterRpc } from "../../durable/index.ts";
import type { Service } from "../../worker/config.ts";
import { deriveExchangeId } from "../../worker/exchange/correlation-id.ts";
import { fingerprint } from "../../worker/http/fingerprint.ts";
import { anonymous, nameOfPrincipal } from "../../worker/access/principal.ts";
import config from "./gateway-config.ts";
import {
  ask,
  expectVerdicts,
  post,
  produce,
  recordsOf,
  replyTo,
  requestWith,
  seeWaiters,
} from "./support.ts";

afterEach(() => vi.restoreAllMocks());

const topic = "durable.requests";
const newKey = () => crypto.randomUUID();
const keyed = (key: string, more: Record<string, string> = {}) => ({
  "Idempotency-Key": `"${key}"`,
  ...more,
});
const idOf = (response: Response) => response.headers.get("x-correlation-id") ?? "";
const waiterOf = (id: string) => env.WAITER.get(env.WAITER.idFromString(id));
const header = (record: KafkaRecord, name: string) => readHeader(record.headers, name);

async function requestsWith(mark: string, from = topic): Promise<readonly KafkaRecord[]> {
  return (await recordsOf(from)).filter(
    (record) =>
      new TextDecoder().decode(record.value ?? undefined).includes(mark) &&
      header(record, "X-Cancel") === undefined,
  );
}

/** Rows and alarm of a waiter. */
function leftIn(id: string) {
  return runInDurableObject(waiterOf(id), async (_, state) => ({
    rows: [...state.storage.kv.list()].length,
    alarm: await state.storage.getAlarm(),
  }));
}

/** Whether somebody has said that the record is written. */
function isConfirmed(id: string): Promise<boolean> {
  return runInDurableObject(
    waiterOf(id),
    (_, state) =>
      state.storage.kv.get<{ exchange: { confirmBy?: number } }>("exchange")?.exchange.confirmBy ===
      undefined,
  );
}

const nothing = { rows: 0, alarm: null };

test("a hundred concurrent posts with one key are one record, and all get the one answer", async () => {
  const me = newKey();
  const asked = Array.from({ length: 100 }, () => post("/durable", me, keyed(me)));
  await replyTo(await requestWith(topic, me), { status: 201, contentType: "text/plain", text: `to ${me}` });
  const responses = await Promise.all(asked);
  const answers = await Promise.all(responses.map(async (r) => `${r.status} ${await r.text()}`));
  expect(new Set(answers)).toEqual(new Set([`201 to ${me}`]));
  expect(new Set(responses.map(idOf)).size).toBe(1);
  expect(await requestsWith(me)).toHaveLength(1);
});

test("once answered, the key is answered from storage without a record, also after the object was reset", async () => {
  const me = newKey();
  const asked = post("/durable", me, keyed(me));
  await replyTo(await requestWith(topic, me), { text: "stored" });
  await asked;
  await abortAllDurableObjects();
  const again = await post("/durable", me, keyed(me));
  expect([again.status, await again.text()]).toEqual([200, "stored"]);
  expect(await requestsWith(me)).toHaveLength(1);
});

test("another body, query or content type under the same key is a 422, while it waits and after", async () => {
  const me = newKey();
  const asked = post("/durable?a=1", me, keyed(me, { "content-type": "text/plain" }));
  const request = await requestWith(topic, me);
  const others = [
    () => post("/durable?a=1", `${me}!`, keyed(me, { "content-type": "text/plain" })),
    () => post("/durable?a=2", me, keyed(me, { "content-type": "text/plain" })),
    () => post("/durable?a=1", me, keyed(me, { "content-type": "text/html" })),
  ];
  for (const other of others) {
    const response = await other();
    expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([
      422,
      "idempotency_key_reused",
    ]);
  }
  await replyTo(request);
  expect((await asked).status).toBe(200);
  expect((await others[0]?.())?.status).toBe(422);
  // A trace is no part of what was asked.
  const traced = await post(
    "/durable?a=1",
    me,
    keyed(me, {
      "content-type": "text/plain",
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }),
  );
  expect(traced.status).toBe(200);
});

/** A caller got this far and died: the exchange is open, and what it was to produce is known. */
async function openedByOneWhoDied(me: string) {
  const service = config.services.find(({ name }) => name === "durable") as Service;
  const { correlationId } = await deriveExchangeId(
    service,
    { principal: anonymous, source: "idempotency-key", key: me },
    env.WAITER,
    undefined,
  );
  const body = encodeText(me);
  const asked = { method: "POST", path: "/durable", query: "" };
  const createdAt = Date.now();
  const attempt = { createdAt, deadlineAt: createdAt + 5_000, keepUntil: createdAt + 60_000 };
  const opened = await waiterOf(correlationId).open(
    {
      service: "durable",
      principal: nameOfPrincipal(anonymous),
      replyTopic: service.replyTopic,
      fingerprint: await fingerprint({
        ...asked,
        contentType: "text/plain;charset=UTF-8",
        recordKey: null,
        forwarded: [],
        body,
      }),
      ...attempt,
    },
    "an opener whose Worker died",
  );
  expect(opened.status).toBe("created");
  const record = encodeRequest(topic, correlationId, body, {
    ...attempt,
    ...asked,
    attempt: createdAt,
    correlationId,
    replyTopic: service.replyTopic,
    replyPartition: 0,
    forwarded: [],
  });
  return { correlationId, createdAt, record };
}

test("an opener that is lost before its produce is taken over, once, by one of those who wait", async () => {
  const me = newKey();
  const { correlationId, createdAt } = await openedByOneWhoDied(me);
  const asked = Array.from({ length: 10 }, () => post("/durable", me, keyed(me)));
  const request = await requestWith(topic, me, 5_000);
  expect(header(request, "X-Produce-ID")).toBe(`${correlationId}:${createdAt}`);
  expect(Number(header(request, "X-Deadline"))).toBe(createdAt + 5_000);
  await replyTo(request, { text: "taken over" });
  const answers = await Promise.all(asked.map(async (response) => (await response).text()));
  expect(new Set(answers)).toEqual(new Set(["taken over"]));
  expect(await requestsWith(me)).toHaveLength(1);
});

test("an opener that is lost after its produce is taken over too, and the bridge knows the record again", async () => {
  const me = newKey();
  const { correlationId, record } = await openedByOneWhoDied(me);
  await produce(record);
  const asked = post("/durable", me, keyed(me));
  // The word of the one who took over: its repeat was answered.
  await expect.poll(() => isConfirmed(correlationId), { timeout: 6_000 }).toBe(true);
  await replyTo(await requestWith(topic, me), { text: "one record" });
  expect(await (await asked).text()).toBe("one record");
  expect(await requestsWith(me)).toHaveLength(1);
});

test("an object that dies with a reply in its hands, before or after storing it, has it delivered again", async () => {
  for (const when of ["before", "after"]) {
    const me = newKey();
    const asked = post("/durable", me, keyed(me));
    const request = await requestWith(topic, me);
    const id = header(request, "X-Correlation-ID");
    let died = 0;
    await seeWaiters((waiterId, real) => {
      if (waiterId !== id || died > 0) return real;
      const deliver: WaiterRpc["deliver"] = async (...delivered) => {
        died++;
        if (when === "after") await real.deliver(...delivered);
        await runInDurableObject(waiterOf(waiterId), (_, state) => state.abort("dies")).catch(() => {});
        throw new Error("the object died");
      };
      return { deliver } as unknown as typeof real;
    });
    await expectVerdicts(() => replyTo(request, { text: `again, ${when}` }), { accepted: 1 });
    expect(died).toBe(1);
    expect(await (await asked).text()).toBe(`again, ${when}`);
    vi.restoreAllMocks();
  }
});

test("an attempt that expired is no answer: the next call is a new attempt with the same ID", async () => {
  const me = newKey();
  const expired = await post("/brief", me, keyed(me));
  expect(expired.status).toBe(504);
  expect(expired.headers.get("location")).toBe(`/requests/${idOf(expired)}`);
  const asked = post("/brief", me, keyed(me));
  const requests = await vi.waitFor(async () => {
    const found = await requestsWith(me, "brief.requests");
    expect(found).toHaveLength(2);
    return found;
  });
  const [first, second] = requests as [KafkaRecord, KafkaRecord];
  expect(header(second, "X-Correlation-ID")).toBe(header(first, "X-Correlation-ID"));
  expect(header(second, "X-Produce-ID")).not.toBe(header(first, "X-Produce-ID"));
  expect(Number(header(second, "X-Deadline"))).toBeGreaterThan(Number(header(first, "X-Deadline")));
  await replyTo(second, { text: "second attempt" });
  expect(await (await asked).text()).toBe("second attempt");
});

test("the reply to an expired attempt is kept, and is the answer from then on", async () => {
  const me = newKey();
  const expired = await post("/brief", me, keyed(me));
  const request = await requestWith("brief.requests", me);
  expect((await ask(`/requests/${idOf(expired)}`)).status).toBe(504);
  await expectVerdicts(() => replyTo(request, { text: "late, but there" }), { late: 1 });
  const collected = await ask(`/requests/${idOf(expired)}`);
  expect([collected.status, await collected.text()]).toEqual([200, "late, but there"]);
  expect(await (await post("/brief", me, keyed(me))).text()).toBe("late, but there");
  expect(await requestsWith(me, "brief.requests")).toHaveLength(1);
});

test("the same key on another service, or from another source, is another exchange", async () => {
  const me = newKey();
  const ids = await Promise.all(
    [
      post("/brief", me, keyed(me)),
      post("/durable", me, { ...keyed(me), prefer: "respond-async" }),
      post("/strict", me, { ...keyed(me), prefer: "respond-async" }),
      post("/strict", me, { "x-correlation-id": me, prefer: "respond-async" }),
    ].map(async (asked) => idOf(await asked)),
  );
  expect(new Set(ids).size).toBe(4);
});

test("where a key is required its absence is a 400, and a client's correlation ID may be one", async () => {
  const me = newKey();
  const without = await post("/strict", me);
  expect(await without.json()).toMatchObject({ status: 400, code: "idempotency_key_required" });
  const bare = await post("/strict", me, { "Idempotency-Key": me });
  expect(await bare.json()).toMatchObject({ status: 400, code: "idempotency_key_invalid" });
  const asked = [1, 2].map(() => post("/strict", me, { "x-correlation-id": me }));
  await replyTo(await requestWith("strict.requests", me), { text: "one" });
  expect(await Promise.all(asked.map(async (a) => (await a).text()))).toEqual(["one", "one"]);
  expect(await requestsWith(me, "strict.requests")).toHaveLength(1);
});

test("respond-async is answered at once with where to ask, and the answer is fetched there", async () => {
  const me = newKey();
  const accepted = await post("/durable", me, { prefer: "respond-async" });
  const id = idOf(accepted);
  expect(accepted.status).toBe(202);
  expect(accepted.headers.get("location")).toBe(`/requests/${id}`);
  expect(accepted.headers.get("preference-applied")).toBe("respond-async");
  expect(Number(accepted.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect(await accepted.json()).toMatchObject({ status: "waiting", correlationId: id });
  const waiting = await ask(`/requests/${id}`);
  expect([waiting.status, waiting.headers.get("cache-control")]).toEqual([202, "no-store"]);
  const request = await requestWith(topic, me);
  expect(Number(header(request, "X-Deadline")) - Number(header(request, "X-Creation-Timestamp"))).toBe(
    10_000,
  );
  expect(Number(header(request, "X-Keep-Until"))).toBe(Number(header(request, "X-Deadline")) + 86_400_000);
  const polled = ask(`/requests/${id}`, { headers: { prefer: "wait=4" } });
  await replyTo(request, { status: 201, contentType: "text/plain", text: "done" });
  const response = await polled;
  expect([response.status, response.headers.get("preference-applied"), await response.text()]).toEqual([
    201,
    "wait=4",
    "done",
  ]);
  const head = await ask(`/requests/${id}`, { method: "HEAD" });
  expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([201, "text/plain", ""]);
});

test("a thousand long polls wait at once in one isolate, 200 of one caller; one more is answered as if it had not asked to wait", async () => {
  const me = newKey();
  const id = idOf(await post("/durable", me, { prefer: "respond-async" }));
  const poll = (caller: number) =>
    ask(`/requests/${id}`, { headers: { prefer: "wait=8", "cf-connecting-ip": `192.0.2.${caller}` } });
  const isNotHeld = async (caller: number) => {
    const oneMore = await poll(caller);
    expect([oneMore.status, oneMore.headers.get("preference-applied")]).toEqual([202, null]);
  };
  const polls = Array.from({ length: 200 }, () => poll(0));
  await isNotHeld(0);
  polls.push(...Array.from({ length: 800 }, (_, at) => poll(1 + (at % 4))));
  await isNotHeld(5);
  await replyTo(await requestWith(topic, me), { text: `to ${me}` });
  const answers = await Promise.all(polls);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(answers.filter((answer) => answer.headers.get("preference-applied") !== "wait=8")).toEqual([]);
  // Their places are there again.
  expect((await poll(0)).headers.get("preference-applied")).toBe("wait=8");
});

test("wait=N gives the reply if it comes in time, and 202 after N seconds if not", async () => {
  const me = newKey();
  const inTime = post("/durable", me, { prefer: "respond-async, wait=3" });
  await replyTo(await requestWith(topic, me), { text: "in time" });
  const answered = await inTime;
  expect([answered.status, answered.headers.get("preference-applied")]).toEqual([200, "wait=3"]);

  const slow = newKey();
  const startedAt = Date.now();
  const accepted = await post("/durable", slow, { prefer: "respond-async, wait=1" });
  const waitedMs = Date.now() - startedAt;
  expect([accepted.status, accepted.headers.get("preference-applied")]).toEqual([
    202,
    "respond-async, wait=1",
  ]);
  expect(waitedMs).toBeGreaterThanOrEqual(1_000);
  expect(waitedMs).toBeLessThan(2_000);
  await replyTo(await requestWith(topic, slow), { text: "after all" });
  await expect.poll(async () => (await ask(`/requests/${idOf(accepted)}`)).status).toBe(200);
});

test("what was preferred is said to be applied only where it was", async () => {
  const me = newKey();
  const asked = post("/durable", me, keyed(me, { prefer: "respond-async, wait=3" }));
  // The service's own 202 is a reply as any other.
  await replyTo(await requestWith(topic, me), { status: 202 });
  const answered = await asked;
  expect([answered.status, answered.headers.get("preference-applied")]).toEqual([202, "wait=3"]);
  const conflict = await post("/durable", `${me}!`, keyed(me, { prefer: "wait=3" }));
  expect([conflict.status, conflict.headers.get("preference-applied")]).toEqual([422, null]);
});

test("a body that takes longer to arrive than a caller waits is no matter to one who does not wait", async () => {
  const slowly = (headers: Record<string, string>) => {
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(encodeText(newKey()));
        await scheduler.wait(350);
        controller.close();
      },
    });
    return ask("/quick", { method: "POST", body, headers });
  };
  const [plain, asynchronous] = await Promise.all([slowly({}), slowly({ prefer: "respond-async" })]);
  expect([plain.status, asynchronous.status]).toEqual([408, 202]);
});

test("a caller who joins a longer exchange waits no longer than usual, and is told where to ask", async () => {
  const me = newKey();
  const first = post("/brief", me, keyed(me, { prefer: "respond-async" }));
  expect((await first).status).toBe(202);
  const joined = await post("/brief", me, keyed(me));
  expect([joined.status, joined.headers.get("location")]).toEqual([504, `/requests/${idOf(joined)}`]);
});

test("a cancelled exchange tells those who wait, takes its request back once, and stays cancelled", async () => {
  const me = newKey();
  const asked = post("/durable", me, keyed(me));
  const request = await requestWith(topic, me);
  const id = header(request, "X-Correlation-ID") ?? "";
  const cancel = () => ask(`/requests/${id}`, { method: "DELETE" });
  const cancelled = await cancel();
  expect([cancelled.status, idOf(cancelled)]).toEqual([204, id]);
  const told = await asked;
  expect([told.status, (await told.json<{ code: string }>()).code]).toEqual([409, "cancelled"]);
  expect((await cancel()).status).toBe(204);
  const records = (await recordsOf(topic)).filter((record) => header(record, "X-Correlation-ID") === id);
  expect(records.map((record) => header(record, "X-Cancel"))).toEqual([undefined, "true"]);
  expect(records[1]?.key).toEqual(records[0]?.key);
  await expectVerdicts(() => replyTo(request), { late: 1 });
  expect((await ask(`/requests/${id}`)).status).toBe(409);
  expect((await post("/durable", me, keyed(me))).status).toBe(409);
});

test("what is answered can no longer be cancelled", async () => {
  const me = newKey();
  const asked = post("/durable", me, keyed(me));
  await replyTo(await requestWith(topic, me));
  const response = await ask(`/requests/${idOf(await asked)}`, { method: "DELETE" });
  expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([
    409,
    "already_answered",
  ]);
});

test("an ID that was not minted here is a 404, one that nothing is kept under a 410", async () => {
  for (const forged of ["0".repeat(64), "nonsense", crypto.randomUUID(), "a".repeat(63)]) {
    const response = await ask(`/requests/${forged}`);
    expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([
      404,
      "request_unknown",
    ]);
    expect((await ask(`/requests/${forged}`, { method: "DELETE" })).status).toBe(404);
  }
  const minted = idOf(await ask("/healthz"));
  for (const method of ["GET", "DELETE"]) {
    const response = await ask(`/requests/${minted}`, { method });
    expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([410, "gone"]);
  }
  expect((await ask(`/requests/${minted}`, { method: "POST" })).headers.get("allow")).toBe(
    "GET, HEAD, DELETE, OPTIONS",
  );
});

test("[A12] a service that keeps late replies names where they can be collected", async () => {
  const me = newKey();
  const expired = await post("/kept", me);
  expect([expired.status, expired.headers.get("location")]).toEqual([504, `/requests/${idOf(expired)}`]);
  const request = await requestWith("kept.requests", me);
  await expectVerdicts(() => replyTo(request, { text: "better late" }), { late: 1 });
  expect(await (await ask(`/requests/${idOf(expired)}`)).text()).toBe("better late");
});

test("a refused produce is a 503 for all who wait, keeps nothing, and the next call begins anew", async () => {
  const me = newKey();
  const fetched = globalThis.fetch;
  let refuse = (): void => {};
  const refused = new Promise<void>((resolve) => (refuse = resolve));
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    if (!String(input instanceof Request ? input.url : input).endsWith("/hearback/produce")) {
      return fetched(input, init);
    }
    await refused;
    return Response.json([{ refused: "no broker is reachable", why: "unavailable", retryAfter: 7 }]);
  });
  const asked = [1, 2, 3].map(() => post("/durable", me, keyed(me)));
  setTimeout(refuse, 100);
  const responses = await Promise.all(asked);
  // Those who join after the refusal open anew, and are refused too.
  expect(responses.map(({ status }) => status)).toEqual([503, 503, 503]);
  const id = idOf(responses[0] as Response);
  await expect.poll(() => leftIn(id)).toEqual(nothing);
  expect((await ask(`/requests/${id}`)).status).toBe(410);
  vi.restoreAllMocks();
  const again = post("/durable", me, keyed(me));
  await replyTo(await requestWith(topic, me), { text: "at last" });
  expect(await (await again).text()).toBe("at last");
});

/** Bridges that answer no produce, until `heal` is called. */
function losingProduces() {
  const fetched = globalThis.fetch;
  let isLost = true;
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) =>
    isLost && String(input instanceof Request ? input.url : input).endsWith("/hearback/produce")
      ? new Promise(() => {})
      : fetched(input, init),
  );
  return { heal: () => (isLost = false) };
}

test("nobody is told 202 before the record is handed over; what is not known is a 503 that names where to ask", async () => {
  const me = newKey();
  const produces = losingProduces();
  const response = await post("/durable", me, keyed(me, { prefer: "respond-async" }));
  expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([503, "produce_unknown"]);
  expect(response.headers.get("location")).toBe(`/requests/${idOf(response)}`);
  produces.heal();
  // It is repeated behind the answer, and the same call again is told that it waits.
  const request = await requestWith(topic, me, 3_000);
  const again = await post("/durable", me, keyed(me, { prefer: "respond-async" }));
  expect(again.status).toBe(202);
  await replyTo(request, { text: "known at last" });
  await expect.poll(async () => (await ask(`/requests/${idOf(response)}`)).text()).toBe("known at last");
  expect(await requestsWith(me)).toHaveLength(1);
});

test("what is cancelled while its produce has no answer is not produced behind the cancel", async () => {
  const me = newKey();
  const produces = losingProduces();
  const response = await post("/durable", me, { prefer: "respond-async" });
  const id = idOf(response);
  expect((await ask(`/requests/${id}`, { method: "DELETE" })).status).toBe(204);
  produces.heal();
  // Longer than the pause before a repeat.
  await scheduler.wait(1_200);
  expect(await requestsWith(me)).toEqual([]);
});

test("the same key with another forwarded header is a 422: it may be another user's", async () => {
  const me = newKey();
  const asked = ask(`/basket/${me}`, { headers: keyed(me, { "accept-language": "de" }) });
  const request = await requestWith("basket.requests", me);
  const other = await ask(`/basket/${me}`, { headers: keyed(me, { "accept-language": "fr" }) });
  expect(other.status).toBe(422);
  await replyTo(request, { text: "Äpfel" });
  expect(await (await asked).text()).toBe("Äpfel");
});

test("a produce without an answer is repeated with the same ID until somebody answers, and is one record", async () => {
  const me = newKey();
  const fetched = globalThis.fetch;
  let lost = 0;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const answered = fetched(input, init);
    if (!String(input instanceof Request ? input.url : input).endsWith("/hearback/produce") || lost >= 2) {
      return answered;
    }
    lost++;
    await answered;
    return new Promise(() => {});
  });
  const asked = post("/durable", me, keyed(me));
  const request = await requestWith(topic, me);
  const id = header(request, "X-Correlation-ID") ?? "";
  // Confirmed only by the repeat: nobody can take over after it.
  await expect.poll(() => isConfirmed(id), { timeout: 4_000 }).toBe(true);
  expect(lost).toBe(2);
  await replyTo(request);
  expect((await asked).status).toBe(200);
  expect(await requestsWith(me)).toHaveLength(1);
});

test("a reply larger than a stored value may be survives a reset in all its bytes", async () => {
  const me = newKey();
  const accepted = await post("/durable", me, { prefer: "respond-async" });
  const body = crypto.getRandomValues(new Uint8Array(60_000));
  const large = new Uint8Array(2_500_000).map((_, at) => body[at % body.length] ?? 0);
  const id = idOf(accepted);
  expect(
    await waiterOf(id).deliver([
      { source: "durable.replies/0/0", topic: "durable.replies", reply: { status: 200, body: large } },
    ]),
  ).toEqual(["accepted"]);
  await abortAllDurableObjects();
  const response = await ask(`/requests/${id}`);
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(large);
});

test("[D6] after its retention an exchange leaves no row and no alarm", async () => {
  const me = newKey();
  const asked = post("/durable", me, keyed(me));
  await replyTo(await requestWith(topic, me));
  const id = idOf(await asked);
  const kept = await leftIn(id);
  expect(kept.rows).toBe(1);
  expect(kept.alarm).toBeGreaterThan(Date.now() + 80_000_000);
  // Time passes: the alarm finds the retention over.
  await runInDurableObject(waiterOf(id), (_, state) => {
    const row = state.storage.kv.get<{ exchange: { keepUntil: number } }>("exchange");
    state.storage.kv.put("exchange", {
      ...row,
      exchange: { ...row?.exchange, keepUntil: Date.now() - 1 },
    });
  });
  await evictDurableObject(waiterOf(id));
  expect(await runDurableObjectAlarm(waiterOf(id))).toBe(true);
  expect(await leftIn(id)).toEqual(nothing);
  expect((await ask(`/requests/${id}`)).status).toBe(410);
});

test("an exchange that a later version has stored counts as gone, and is left to that version", async () => {
  const id = idOf(await ask("/healthz"));
  await runInDurableObject(waiterOf(id), async (_, state) => {
    state.storage.kv.put("exchange", { version: 99, exchange: { keepUntil: Date.now() } });
    await state.storage.setAlarm(Date.now() + 60_000);
  });
  expect((await ask(`/requests/${id}`)).status).toBe(410);
  expect(await runDurableObjectAlarm(waiterOf(id))).toBe(true);
  const left = await leftIn(id);
  expect(left.rows).toBe(1);
  expect(left.alarm).toBeGreaterThan(Date.now() + 80_000_000);
});

test("a client that leaves a durable exchange leaves it running, and comes back to its answer", async () => {
  const me = newKey();
  const leaving = new AbortController();
  const asked = ask("/durable", {
    method: "POST",
    body: me,
    headers: keyed(me),
    signal: leaving.signal,
  }).catch(() => "aborted");
  const request = await requestWith(topic, me);
  leaving.abort();
  await asked;
  await expectVerdicts(() => replyTo(request, { text: "still here" }), { accepted: 1 });
  expect(await (await post("/durable", me, keyed(me))).text()).toBe("still here");
  expect(await requestsWith(me)).toHaveLength(1);
});

test("a plain request whose client leaves is taken back, where the service asks for that", async () => {
  const me = newKey();
  const leaving = new AbortController();
  const asked = ask("/durable", { method: "POST", body: me, signal: leaving.signal }).catch(() => "aborted");
  const request = await requestWith(topic, me);
  leaving.abort();
  await asked;
  const id = header(request, "X-Correlation-ID");
  await vi.waitFor(async () => {
    const records = (await recordsOf(topic)).filter((record) => header(record, "X-Correlation-ID") === id);
    expect(records.map((record) => header(record, "X-Cancel"))).toEqual([undefined, "true"]);
  });
});

test("the alarm of an exchange that was refused goes with its rows, in one write", async () => {
  const id = env.WAITER.newUniqueId().toString();
  const createdAt = Date.now();
  const deadlineAt = createdAt + 60_000;
  const terms = { service: "durable", principal: "", replyTopic: "durable.replies", fingerprint: "one" };
  await waiterOf(id).open({ ...terms, createdAt, deadlineAt, keepUntil: deadlineAt }, "opener");
  const deleted = await runInDurableObject(waiterOf(id), (_, { storage }) =>
    vi.spyOn(storage, "deleteAlarm"),
  );
  expect(await waiterOf(id).confirm(createdAt, { status: "refused", retryAfter: 1 })).toBe("ended");
  expect(deleted).not.toHaveBeenCalled();
  expect(await leftIn(id)).toEqual(nothing);
});

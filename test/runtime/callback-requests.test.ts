// How a request asks for a callback, and what its client is told: through the gateway in the Workers runtime, with a
// real bridge behind it. What is sent, and when, is in callback.test.ts.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { ask, post, recordsOf, replyTo, requestWith } from "./support.ts";
import { useReceiver } from "./webhook-receiver.ts";

const receiver = useReceiver();
const named = () => ({ "X-Callback-URL": receiver().url });
const idOf = (response: Response) => response.headers.get("x-correlation-id") ?? "";

const rowsOf = (id: string) =>
  runInDurableObject(env.WAITER.get(env.WAITER.idFromString(id)), (_, state) =>
    [...state.storage.kv.list()].map(([key]) => key),
  );
const statusAt = async (id: string) => (await ask(`/requests/${id}`)).headers.get("x-callback-status");
const isDelivered = (id: string) =>
  vi.waitFor(async () => expect(await statusAt(id)).toBe('delivered;attempts=1;last="204"'));

test("a request that names a webhook is told so with its 202, and the webhook is called when it is answered", async () => {
  const me = crypto.randomUUID();
  const accepted = await post("/called", me, { ...named(), prefer: "respond-async" });
  const id = idOf(accepted);
  expect(accepted.headers.get("x-callback-status")).toBe("waiting;attempts=0");
  const waiting = { status: "waiting", callback: { status: "waiting", attempts: 0 } };
  expect(await accepted.json()).toMatchObject(waiting);
  const looked = await ask(`/requests/${id}`);
  expect([looked.headers.get("x-callback-status"), await looked.json()]).toEqual([
    "waiting;attempts=0",
    expect.objectContaining(waiting),
  ]);
  const request = await requestWith("called.requests", me);
  expect(request.headers.map(({ key }) => key.toLowerCase())).not.toContain("x-callback-url");
  await replyTo(request, { status: 201, contentType: "text/plain", text: "done" });
  await isDelivered(id);
  expect(receiver().delivered.map(({ body }) => body)).toEqual([
    {
      type: "exchange.replied",
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/),
      data: {
        correlationId: id,
        service: "called",
        outcome: "replied",
        late: false,
        createdAt: expect.any(Number),
        deadlineAt: expect.any(Number),
        location: `/requests/${id}`,
        reply: { status: 201, contentType: "text/plain", body: { text: "done" } },
      },
    },
  ]);
  const head = await ask(`/requests/${id}`, { method: "HEAD" });
  expect([head.status, head.headers.get("x-callback-status")]).toEqual([
    201,
    'delivered;attempts=1;last="204"',
  ]);
});

test("that it was cancelled is told, too", async () => {
  const me = crypto.randomUUID();
  const id = idOf(await post("/called", me, { ...named(), prefer: "respond-async" }));
  expect((await ask(`/requests/${id}`, { method: "DELETE" })).status).toBe(204);
  await isDelivered(id);
  expect(receiver().delivered.map(({ body }) => body.type)).toEqual(["exchange.cancelled"]);
  expect((await ask(`/requests/${id}`)).status).toBe(409);
});

test("a reply that has to follow a schema does not travel: it is fetched, and looked at then", async () => {
  const me = crypto.randomUUID();
  const answered = post("/called-if-valid", me, named());
  const request = await requestWith("called.requests", me);
  await replyTo(request, { contentType: "application/json", text: "{}" });
  expect((await answered).status).toBe(502);
  await vi.waitFor(() => expect(receiver().delivered).toHaveLength(1));
  expect(receiver().delivered[0]?.body.data).toMatchObject({ outcome: "replied" });
  expect(receiver().delivered[0]?.body.data).not.toHaveProperty("reply");
});

test("nothing is stored, sent or said where nobody asked for a callback", async () => {
  const me = crypto.randomUUID();
  const answered = post("/called", me, { "Idempotency-Key": `"${me}"` });
  await replyTo(await requestWith("called.requests", me));
  const id = idOf(await answered);
  expect(await rowsOf(id)).toEqual(["exchange"]);
  expect(await statusAt(id)).toBeNull();
  expect(receiver().asked).toEqual([]);
});

test("with a callback alone the caller waits as ever, and the exchange is kept", async () => {
  const me = crypto.randomUUID();
  const answered = post("/called", me, named());
  await replyTo(await requestWith("called.requests", me), { text: `to ${me}` });
  const response = await answered;
  expect([response.status, await response.text()]).toEqual([200, `to ${me}`]);
  expect(await (await ask(`/requests/${idOf(response)}`)).text()).toBe(`to ${me}`);
  await isDelivered(idOf(response));
  expect(receiver().delivered.map(({ body }) => body.data["correlationId"])).toEqual([idOf(response)]);
});

test("the same key with another callback, or with none, is another request: 422", async () => {
  const me = crypto.randomUUID();
  const key = { "Idempotency-Key": `"${me}"`, prefer: "respond-async" };
  expect((await post("/called", me, { ...key, ...named() })).status).toBe(202);
  expect((await post("/called", me, { ...key, ...named() })).status).toBe(202);
  for (const other of [key, { ...key, "X-Callback-URL": `${receiver().url}/more` }]) {
    expect((await post("/called", me, other)).status).toBe(422);
  }
});

test.each([
  ["/called", "http://hooks.example.com/", "it must be https"],
  ["/called", "https://10.0.0.1/", "its host must be a public name"],
  ["/called", "https://elsewhere.example.com/", "its host is none that the service calls"],
  ["/called", "", "it must be one absolute URL in its normal form"],
  ["/durable", "https://hooks.example.com/", "the service takes no callbacks"],
])("at %s a callback to %s is refused, and nothing is produced", async (path, target, detail) => {
  const me = crypto.randomUUID();
  const response = await post(path, me, { "X-Callback-URL": target, prefer: "respond-async" });
  expect(await response.json()).toMatchObject({ status: 400, code: "callback_refused", detail });
  for (const topic of ["called.requests", "durable.requests"]) {
    const bodies = (await recordsOf(topic)).map(({ value }) => new TextDecoder().decode(value ?? undefined));
    expect(bodies).not.toContain(me);
  }
  expect(receiver().asked).toEqual([]);
});

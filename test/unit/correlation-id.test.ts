// Which ID and which waiter an exchange has: minted, derived from a client's key, or found from a text.

import { describe, expect, expectTypeOf, test, vi } from "vitest";
import {
  correlationIdForm,
  encodeText,
  importUuidKey,
  partitionForKey,
  verifyUuid,
  type CorrelationId,
} from "../../protocol/index.ts";
import {
  deriveExchangeId,
  findWaiter,
  mintExchangeId,
  type OwnedKey,
  type WaiterNamespace,
} from "../../worker/exchange/correlation-id.ts";

type Service = Parameters<typeof deriveExchangeId>[0];

const secret = "a secret of the tests that is long enough";
const now = 1_790_000_000_000;
const hexService: Service = {
  name: "predict",
  correlationIds: "hex",
  replyPartitions: 3,
  replyRouting: "partition",
};
const uuidService: Service = { ...hexService, correlationIds: "uuid" };
const services = [
  ["hex", hexService],
  ["uuid", uuidService],
] as const;
const owned: OwnedKey = {
  principal: { issuer: "https://issuer", subject: "alice" },
  source: "idempotency-key",
  key: "0123456789abcdef",
};

interface FakeId {
  readonly name?: string;
  readonly hex: string;
  toString(): string;
}

/** As the platform's: what is made of one name is always the same, and only what it made is taken back. */
function fakeWaiters(script = "gateway") {
  const made = new Set<string>();
  const idOf = (seed: string, name?: string): FakeId => {
    const words = Array.from({ length: 8 }, (_, at) => fnv1a(`${script} ${at} ${seed}`));
    const hex = words.map((word) => word.toString(16).padStart(8, "0")).join("");
    made.add(hex);
    return { hex, toString: () => hex, ...(name === undefined ? {} : { name }) };
  };
  return {
    newUniqueId: vi.fn(() => idOf(crypto.randomUUID())),
    idFromName: vi.fn((name: string) => idOf(`named ${name}`, name)),
    idFromString: vi.fn((hex: string): FakeId => {
      if (!made.has(hex)) throw new TypeError("Durable Object ID is not valid for this namespace");
      return { hex, toString: () => hex };
    }),
  } satisfies WaiterNamespace<FakeId>;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of encodeText(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

const derive = async (service: Service, key: OwnedKey, waiters = fakeWaiters(), uuidSecret = secret) =>
  (await deriveExchangeId(service, key, waiters, uuidSecret)).correlationId;

const isSigned = async (id: string) => verifyUuid(id as CorrelationId, await importUuidKey(secret));

test("a Durable Object namespace is a namespace of waiters", () => {
  expectTypeOf<DurableObjectNamespace>().toExtend<WaiterNamespace<DurableObjectId>>();
});

describe("an ID without a key", () => {
  test("in hex is the one that the request has already, and its waiter's own", async () => {
    const waiters = fakeWaiters();
    const minted = waiters.newUniqueId().hex;
    const exchange = await mintExchangeId(hexService, { minted, now }, waiters, undefined);
    expect(exchange).toMatchObject({ correlationId: minted, waiterId: { hex: minted } });
    expect(waiters.newUniqueId).toHaveBeenCalledTimes(1);
  });

  test("as a UUID is signed, its waiter is named by it, and no two are the same", async () => {
    const waiters = fakeWaiters();
    const minted = waiters.newUniqueId().hex;
    const mint = () => mintExchangeId(uuidService, { minted, now }, waiters, secret);
    const { correlationId, waiterId } = await mint();
    expect(correlationIdForm(correlationId)?.form).toBe("uuid");
    expect(await isSigned(correlationId)).toBe(true);
    expect(waiterId.name).toBe(correlationId);
    expect((await mint()).correlationId).not.toBe(correlationId);
  });

  test.each(services)(
    "in the form %s is minted until its reply comes home by its key",
    async (_, service) => {
      const own = [3];
      const routed: Service = { ...service, replyRouting: "key", replyPartitions: { own, of: 10 } };
      for (let times = 0; times < 20; times++) {
        const waiters = fakeWaiters();
        const minted = waiters.newUniqueId().hex;
        const { correlationId } = await mintExchangeId(routed, { minted, now }, waiters, secret);
        expect(own).toContain(partitionForKey(encodeText(correlationId), 10));
        expect(await findWaiter(correlationId, waiters, secret)).toMatchObject({ correlationId });
      }
    },
  );
});

describe.each(services)("an ID of a client's key, in the form %s,", (form, service) => {
  test("is the same for the same caller, service and key, in any isolate", async () => {
    const id = await derive(service, owned);
    expect(correlationIdForm(id)).toEqual({ form, id });
    expect(await derive(service, { ...owned, principal: { ...owned.principal } })).toBe(id);
  });

  test("is another one when any member of its name differs", async () => {
    const { principal } = owned;
    const ids = [
      await derive(service, owned),
      await derive({ ...service, name: "orders" }, owned),
      await derive(service, { ...owned, key: "0123456789abcdeF" }),
      await derive(service, { ...owned, source: "correlation-id" }),
      await derive(service, { ...owned, principal: { ...principal, issuer: "https://other" } }),
      await derive(service, { ...owned, principal: { ...principal, subject: "bob" } }),
      await derive(service, { ...owned, principal: { issuer: "", subject: "" } }),
      // The same words, in each other's place.
      await derive(service, { ...owned, principal: { issuer: "alice", subject: "https://issuer" } }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("cannot be hit by a key that contains what stands between the members of a name", async () => {
    const key = (subject: string, text: string): OwnedKey => ({
      principal: { issuer: "", subject },
      source: "idempotency-key",
      key: text,
    });
    const ids = [
      await derive(service, key("", "k")),
      await derive(service, key("", 'k",1')),
      await derive(service, key("", 'k",1]')),
      await derive(service, key("", '","k')),
      // Without escapes these two would be one.
      await derive(service, key("x", 'y","predict","idempotency-key","z')),
      await derive(service, key('x","predict","idempotency-key","y', "z")),
      await derive(service, key("", "k\\")),
      await derive(service, key("", 'k\\"')),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("is found again by its text, at the same waiter", async () => {
    const waiters = fakeWaiters();
    const exchange = await deriveExchangeId(service, owned, waiters, secret);
    const found = await findWaiter(exchange.correlationId, waiters, secret);
    expect(found?.correlationId).toBe(exchange.correlationId);
    expect(found?.waiterId.hex).toBe(exchange.waiterId.hex);
    expect(waiters.newUniqueId).not.toHaveBeenCalled();
  });

  test("comes home by its key where that leads the reply, and stays the same all the while", async () => {
    const own = [0, 7];
    const routed: Service = { ...service, replyRouting: "key", replyPartitions: { own, of: 12 } };
    let salted = 0;
    for (let at = 0; at < 30; at++) {
      const each = { ...owned, key: `${owned.key} ${at}` };
      const id = await derive(routed, each);
      expect(own).toContain(partitionForKey(encodeText(id), 12));
      expect(await derive(routed, each)).toBe(id);
      // An ID that comes home by itself needs no salt.
      const unsalted = await derive(service, each);
      const isHome = own.includes(partitionForKey(encodeText(unsalted), 12));
      expect(id === unsalted).toBe(isHome);
      if (!isHome) salted++;
    }
    expect(salted).toBeGreaterThan(0);
  });
});

test("an ID of a client's key is named by the version of names, caller, service, source and key, then the salt", async () => {
  const waiters = fakeWaiters();
  const of = 12;
  const unsalted = await derive(hexService, owned, waiters);
  const home = partitionForKey(encodeText(unsalted), of);
  const own = Array.from({ length: of }, (_, at) => at).filter((at) => at !== home);
  waiters.idFromName.mockClear();
  await derive({ ...hexService, replyRouting: "key", replyPartitions: { own, of } }, owned, waiters);
  expect(waiters.idFromName.mock.calls.slice(0, 2)).toEqual([
    ['[1,"https://issuer","alice","predict","idempotency-key","0123456789abcdef"]'],
    ['[1,"https://issuer","alice","predict","idempotency-key","0123456789abcdef",1]'],
  ]);
});

test("an ID of a client's key, as a UUID, is signed, and of another secret another one", async () => {
  const id = await derive(uuidService, owned);
  expect(await isSigned(id)).toBe(true);
  expect(await derive(uuidService, owned, fakeWaiters(), "another secret that is long enough")).not.toBe(id);
});

describe("while one secret takes the place of another", () => {
  const next = "the next secret that is long enough";
  const both = JSON.stringify([next, secret]);

  test("a key has the ID of the secret that signs, and those of the others beside it", async () => {
    const waiters = fakeWaiters();
    const made = await deriveExchangeId(uuidService, owned, waiters, both);
    expect(made.correlationId).toBe(await derive(uuidService, owned, waiters, next));
    expect(made.others.map(({ correlationId }) => correlationId)).toEqual([
      await derive(uuidService, owned, waiters, secret),
    ]);
    expect(made.others[0]?.waiterId.name).toBe(made.others[0]?.correlationId);
  });

  test("all of them come home by their keys", async () => {
    const own = [3];
    const routed: Service = { ...uuidService, replyRouting: "key", replyPartitions: { own, of: 10 } };
    const { others, ...made } = await deriveExchangeId(routed, owned, fakeWaiters(), both);
    for (const { correlationId } of [made, ...others]) {
      expect(own).toContain(partitionForKey(encodeText(correlationId), 10));
    }
  });

  test("in hex, and without a key, there is one ID", async () => {
    const waiters = fakeWaiters();
    expect((await deriveExchangeId(hexService, owned, waiters, both)).others).toEqual([]);
    const minted = waiters.newUniqueId().hex;
    for (const [, service] of services) {
      expect((await mintExchangeId(service, { minted, now }, waiters, both)).others).toEqual([]);
    }
  });

  test("IDs of each are found by their text", async () => {
    const waiters = fakeWaiters();
    for (const each of [secret, next]) {
      const id = await derive(uuidService, owned, waiters, each);
      expect(await findWaiter(id, waiters, both)).toMatchObject({ correlationId: id });
    }
    const gone = await derive(uuidService, owned, waiters, secret);
    expect(await findWaiter(gone, waiters, next)).toBeUndefined();
  });
});

describe("a text", () => {
  test("in capitals is the same ID", async () => {
    const waiters = fakeWaiters();
    for (const [, service] of services) {
      const id = await derive(service, owned, waiters);
      expect(await findWaiter(id.toUpperCase(), waiters, secret)).toMatchObject({ correlationId: id });
    }
  });

  test.each([
    ["nothing", ""],
    ["a word", "txn-1"],
    ["a UUID of another version", "550e8400-e29b-41d4-a716-446655440000"],
    ["a UUID with a wrong MAC", "019a0b0c-0d0e-8abc-9def-0123456789ab"],
    ["64 digits that the namespace did not make", "ab".repeat(32)],
    ["65 digits", "a".repeat(65)],
    ["a name", '[1,"","","predict","idempotency-key","k"]'],
  ])("that is %s is nobody's, and names no waiter", async (_, text) => {
    const waiters = fakeWaiters();
    expect(await findWaiter(text, waiters, secret)).toBeUndefined();
    expect(waiters.idFromName).not.toHaveBeenCalled();
  });

  test("that is an ID of another deployment is nobody's", async () => {
    const hex = await derive(hexService, owned, fakeWaiters("another gateway"));
    expect(await findWaiter(hex, fakeWaiters(), secret)).toBeUndefined();
    const uuid = await derive(uuidService, owned, fakeWaiters(), "another secret that is long enough");
    expect(await findWaiter(uuid, fakeWaiters(), secret)).toBeUndefined();
  });

  test("that is a UUID is nobody's where the deployment has no secret", async () => {
    const waiters = fakeWaiters();
    const id = await derive(uuidService, owned);
    for (const none of [undefined, ""]) expect(await findWaiter(id, waiters, none)).toBeUndefined();
  });
});

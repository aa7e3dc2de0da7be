// Who comes in and what they may do: scopes, the price of guesses, the file. Over HTTP where a socket can tell.

import { expect, test } from "vitest";
import {
  accessOf,
  createCredentials,
  hashPassword,
  parseCredentials,
  parsePasswordHash,
  type CredentialVerdict,
  type PasswordHash,
  type StoredCredential,
} from "../../bridge/index.ts";
import { basic, raw, testBridge } from "../support/bridge.ts";

const cheap = { N: 1024, r: 1, p: 1 };

async function stored(
  user: string,
  password: string,
  limits: Partial<StoredCredential> = {},
): Promise<StoredCredential> {
  const hash = parsePasswordHash(await hashPassword(password, cheap));
  if (hash === undefined) throw new Error("no hash");
  return { user, password: hash, access: "full", ...limits };
}

const nameOf = (verdict: CredentialVerdict) => (typeof verdict === "string" ? verdict : verdict.user);

test.each([
  ["full", undefined, "orders", true, true],
  ["produce", undefined, "orders", true, false],
  ["consume", undefined, "orders", false, true],
  ["full", ["orders"], "orders", true, true],
  ["full", ["orders"], "orders2", false, false],
  ["full", ["orders"], "order", false, false],
  ["full", ["a-*"], "a-1", true, true],
  ["full", ["a-*"], "a-", true, true],
  ["full", ["a-*"], "a", false, false],
  ["full", ["a-*"], "b-a-1", false, false],
  ["full", ["*"], "anything", true, true],
  ["produce", ["a-*", "b"], "b", true, false],
  ["consume", ["a-*", "b"], "a-9", false, true],
  ["consume", ["a-*", "b"], "c", false, false],
  ["full", [], "orders", false, false],
] as const)(
  "%s on %j: %s may be produced to: %s, and read: %s",
  (access, topics, topic, produce, consume) => {
    const decided = accessOf(topics === undefined ? { access } : { access, topics });
    expect([decided.mayProduce(topic), decided.mayConsume(topic)]).toEqual([produce, consume]);
  },
);

test("a stored credential is compared once, however often and at once it comes", async () => {
  let compared = 0;
  const credentials = createCredentials({
    stored: [await stored("ann", "right")],
    isPassword: (_, password) => {
      compared++;
      return Promise.resolve(password === "right");
    },
  });
  const guess = { user: "ann", password: "right" };
  const together = await Promise.all([1, 2, 3].map(() => credentials.check(guess)));
  expect([...together, await credentials.check(guess)].map(nameOf)).toEqual(["ann", "ann", "ann", "ann"]);
  expect(compared).toBe(1);
  expect(await credentials.check({ user: "ann", password: "left" })).toBe("wrong");
  expect(await credentials.check({ user: "ann", password: "left" })).toBe("wrong");
  expect(compared).toBe(2);
});

test("a credential's access is the same object for every request", async () => {
  const credentials = createCredentials({ stored: [await stored("ann", "right")] });
  const guess = { user: "ann", password: "right" };
  expect(await credentials.check(guess)).toBe(await credentials.check(guess));
});

test("an unknown user is compared like a wrong password, and never let in", async () => {
  const against: PasswordHash[] = [];
  const credentials = createCredentials({
    stored: [await stored("ann", "right")],
    isPassword: (hash) => {
      against.push(hash);
      return Promise.resolve(true);
    },
  });
  expect(await credentials.check({ user: "nobody", password: "x" })).toBe("wrong");
  expect(against).toMatchObject([cheap]);
});

test("comparisons run a few at a time; beyond the queue a guess is busy, and right again later", async () => {
  const running: (() => void)[] = [];
  let most = 0;
  let now = 0;
  const credentials = createCredentials({
    stored: [await stored("ann", "right")],
    maxRunning: 2,
    maxQueued: 1,
    isPassword: (_, password) => {
      most = Math.max(most, ++now);
      return new Promise((resolve) => {
        running.push(() => {
          now--;
          resolve(password === "right");
        });
      });
    },
  });
  const guess = (password: string) => credentials.check({ user: "ann", password });
  const first = [guess("1"), guess("2"), guess("3")];
  expect(await guess("right")).toBe("busy");
  const ended = Promise.all(first);
  let done = false;
  void ended.then(() => (done = true));
  while (!done) {
    running.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await ended).toEqual(["wrong", "wrong", "wrong"]);
  expect(most).toBe(2);
  const last = guess("right");
  running.shift()?.();
  expect(nameOf(await last)).toBe("ann");
});

test("wrong guesses are remembered up to a bound", async () => {
  let compared = 0;
  const credentials = createCredentials({
    stored: [await stored("ann", "right")],
    maxWrong: 2,
    isPassword: () => {
      compared++;
      return Promise.resolve(false);
    },
  });
  for (const password of ["1", "2", "3", "3", "2", "1"]) await credentials.check({ user: "ann", password });
  expect(compared).toBe(4);
});

test("after a replacement only the new credentials and the one with full access come in", async () => {
  const credentials = createCredentials({
    full: { user: "dev", password: "dev" },
    stored: [await stored("ann", "a")],
  });
  const check = async (user: string, password: string) => nameOf(await credentials.check({ user, password }));
  expect(await check("ann", "a")).toBe("ann");
  credentials.replace([await stored("bob", "b")]);
  expect([await check("ann", "a"), await check("bob", "b"), await check("dev", "dev")]).toEqual([
    "wrong",
    "bob",
    "dev",
  ]);
});

test("every hash of a password is another one, and absurd costs are no hash", async () => {
  const hash = await hashPassword("x", cheap);
  expect(hash).toMatch(/^scrypt\$1024\$1\$1\$/);
  expect(await hashPassword("x", cheap)).not.toBe(hash);
  expect(parsePasswordHash(hash)).toMatchObject(cheap);
  for (const cost of ["4194304$8$1", "1000$8$1", "1024$1$99", "1024$0$1"]) {
    expect(parsePasswordHash(hash.replace("1024$1$1", cost))).toBeUndefined();
  }
  expect(parsePasswordHash("x")).toBeUndefined();
});

test.each([
  ["{", /^it is not JSON$/],
  ["{}", /array/],
  ["[]", /array/],
  ["[1]", /^entry 1: must be an object$/],
  ['[{"user":"a"}]', /^entry 1, password: is missing$/],
  ['[{"user":"a","password":"hunter2"}]', /^entry 1, password: must be a hash/],
  ['[{"user":"a:b","password":"HASH"}]', /^entry 1, user: /],
  ['[{"user":"a","password":"HASH","access":"write"}]', /^entry 1, access: must be "full"/],
  ['[{"user":"a","password":"HASH","topics":["ok","a*b"]}]', /^entry 1, topics\.1: must be a topic name/],
  ['[{"user":"a","password":"HASH","topics":[]}]', /^entry 1, topics: must name a topic/],
  ['[{"user":"a","password":"HASH","topic":["a"]}]', /^entry 1, topic: is no field of a credential$/],
  [
    '[{"user":"a","password":"HASH"},{"user":"a","password":"HASH"}]',
    /^entry 2, user: "a" is there already$/,
  ],
])("a file with %s is refused by entry and field", async (text, message) => {
  const hash = await hashPassword("x", cheap);
  expect(() => parseCredentials(text.replaceAll("HASH", hash))).toThrow(message);
});

test("no problem of a file shows what may be a password", () => {
  expect(() => parseCredentials('[{"user":"a","password":"hunter2"}]')).not.toThrow(/hunter2/);
  expect(() => parseCredentials('[{"user":"a","password":7654321}]')).not.toThrow(/7654321/);
});

test("over HTTP: stored credentials are let in, others are 401, a rush of guesses is 503 with Retry-After", async () => {
  const rush: (() => void)[] = [];
  const credentials = createCredentials({
    stored: [await stored("ann", "right")],
    maxRunning: 1,
    maxQueued: 0,
    isPassword: (_, password) =>
      password === "slow"
        ? new Promise((resolve) => rush.push(() => resolve(false)))
        : Promise.resolve(password === "right"),
  });
  const { url } = await testBridge({ credentials, topics: new Map([["red", 1]]) });
  const as = (user: string, password: string) =>
    raw(`${url}/topics`, { headers: { authorization: basic(user, password) } });
  expect((await as("ann", "right")).json).toEqual({ red: 1 });
  expect((await as("ann", "wrong")).status).toBe(401);
  expect((await as("bob", "right")).status).toBe(401);
  const slow = as("ann", "slow");
  while (rush.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const refused = await as("ann", "another");
  expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "1"]);
  expect((await as("ann", "right")).status).toBe(200);
  rush[0]?.();
  expect((await slow).status).toBe(401);
});

test("credentials in the query count for /webhook alone, and only without the header", async () => {
  const { url } = await testBridge();
  const status = async (path: string, authorization?: string) =>
    (
      await fetch(url + path, {
        method: "POST",
        body: "x",
        headers: authorization === undefined ? {} : { authorization },
      })
    ).status;
  expect(await status("/webhook?topic=red&user=tester&pass=secret")).not.toBe(401);
  expect(await status("/webhook?topic=red&user=tester&pass=wrong")).toBe(401);
  expect(await status("/webhook?topic=red&user=tester")).toBe(401);
  expect(await status("/webhook?user=tester&pass=secret", basic("tester", "wrong"))).toBe(401);
  for (const path of ["/topics", "/produce/red", "/webhooks", "/metrics"]) {
    expect(await status(`${path}?user=tester&pass=secret`)).toBe(401);
  }
});

// API keys where they are compared: in the Workers runtime, which has the comparison that takes its time. And what a
// gateway does before it knows who asks, which is nothing.

import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import type { ApiKey } from "../../worker/access/api-key-list.ts";
import { ownerOfKey } from "../../worker/access/api-keys.ts";
import { authenticate, type AccessDeps } from "../../worker/access/authenticate.ts";
import { readCredentials } from "../../worker/access/credentials.ts";
import { digestOf, sameSecret } from "../../worker/access/secrets.ts";
import { defineGateway } from "../../worker/config.ts";
import type { GatewayEnv } from "../../worker/env.ts";
import { createGateway } from "../../worker/gateway.ts";

afterEach(() => vi.restoreAllMocks());

const now = 1_790_000_000_000;

async function entry(key: string, principal: string, more: Partial<ApiKey> = {}): Promise<ApiKey> {
  return { principal, digest: await digestOf(key), expiresAt: undefined, claims: {}, ...more };
}

const keys = await Promise.all([
  entry("acme's first", "acme"),
  entry("acme's next", "acme", { claims: { plan: "gold" } }),
  entry("beta's", "beta", { expiresAt: now }),
  entry("gamma's", "gamma"),
]);

const principalOf = async (key: string, at = now) => ownerOfKey(keys, await digestOf(key), at);

test("an API key says whose it is, each of several that one principal has", async () => {
  expect(await principalOf("acme's first")).toEqual({
    principal: { issuer: "api-key", subject: "acme" },
    claims: { iss: "api-key", sub: "acme" },
  });
  expect(await principalOf("acme's next")).toEqual({
    principal: { issuer: "api-key", subject: "acme" },
    claims: { iss: "api-key", sub: "acme", plan: "gold" },
  });
  expect((await principalOf("gamma's"))?.principal.subject).toBe("gamma");
});

test.each(["", "acme", "acme's firs", "acme's first ", "Acme's first", "acme's firsu"])(
  "%j is nobody's API key",
  async (key) => {
    expect(await principalOf(key)).toBeUndefined();
  },
);

test("a digest that is wrong in its last bit is nobody's", async () => {
  const digest = await digestOf("gamma's");
  digest[31] = (digest[31] ?? 0) ^ 1;
  expect(ownerOfKey(keys, digest, now)).toBeUndefined();
});

test("an API key is good up to the instant at which it expires", async () => {
  expect((await principalOf("beta's", now - 1))?.principal.subject).toBe("beta");
  expect(await principalOf("beta's", now)).toBeUndefined();
});

test("every entry is compared, whichever is the right one, in the time that the platform takes for all", async () => {
  const compared = vi.spyOn(crypto.subtle, "timingSafeEqual");
  for (const key of ["acme's first", "gamma's", "nobody's"]) {
    compared.mockClear();
    await principalOf(key);
    expect(compared).toHaveBeenCalledTimes(keys.length);
  }
});

test("a secret is the same as itself alone, whatever the lengths", async () => {
  expect(await sameSecret("secret", "secret")).toBe(true);
  for (const other of ["", "secre", "secrets", "Secret"])
    expect(await sameSecret(other, "secret")).toBe(false);
});

const deps: AccessDeps = {
  apiKeys: () => keys,
  keySet: () => {
    throw new Error("no token is checked here");
  },
  now: () => now,
};
const asked = (headers: Record<string, string>) =>
  authenticate([{ apiKeys: "KEYS" }], readCredentials(new Headers(headers)), deps);

test.each([
  [{ authorization: "Bearer acme's first" }, "accepted"],
  [{ authorization: "bearer   acme's first" }, "accepted"],
  [{ "x-api-key": "acme's first" }, "accepted"],
  [{ "x-api-key": "wrong", authorization: "Bearer acme's first" }, "accepted"],
  [{ authorization: "Bearer wrong" }, "invalid"],
  [{ authorization: "Bearer" }, "invalid"],
  [{ authorization: "Bearer acme's first, Bearer acme's first" }, "invalid"],
  [{ "x-api-key": "" }, "invalid"],
  [{ "x-api-key": "acme's first, acme's first" }, "invalid"],
  [{ "x-api-key": "x".repeat(100_000) }, "invalid"],
  [{ authorization: "Basic YWNtZTphY21l" }, "missing"],
  [{ authorization: "acme's first" }, "missing"],
  [{ "cf-access-jwt-assertion": "acme's first" }, "missing"],
  [{}, "missing"],
])("with %j the caller is %s", async (headers, status) => {
  expect((await asked(headers as Record<string, string>)).status).toBe(status);
});

const guarded = createGateway(
  defineGateway({
    services: {
      echo: {
        route: "POST /echo",
        requestTopic: "echo.requests",
        replyTopic: "replies",
        authentication: [{ apiKeys: "KEYS" }],
      },
    },
  }),
);
const askGuarded = (init: RequestInit, keyList?: string) =>
  guarded.fetch(
    new Request("https://gateway.test/echo", { method: "POST", ...init }),
    { ...env, KEYS: keyList } as GatewayEnv,
    createExecutionContext(),
  );

test("a gateway whose list of API keys is missing or broken lets nobody in, and says why in the log alone", async () => {
  const said = vi.spyOn(console, "error").mockImplementation(() => undefined);
  for (const keyList of [undefined, "hbk_a-key", '[{"principal":"acme","sha256":"hbk_a-key"}]']) {
    const response = await askGuarded({}, keyList);
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).toContain("misconfigured");
    expect(text).not.toContain("KEYS");
  }
  const lines = said.mock.calls.map(([line]) => String(line));
  expect(lines.map((line) => /\nKEYS/.test(line))).toEqual([true, true, true]);
  expect(lines.join()).not.toContain("hbk_");
});

test("who is not let in is told so before a byte of the body is read", async () => {
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(10));
        if (pulled === 10) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const response = await askGuarded({ body }, "[]");
  expect([response.status, pulled]).toEqual([401, 0]);
});

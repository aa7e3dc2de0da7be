// The list of API keys that a secret holds: what it may say, and that nothing of it is ever repeated.

import { expect, test } from "vitest";
import { parseApiKeys } from "../../worker/access/api-key-list.ts";
import { environmentProblems, type GatewayEnv } from "../../worker/env.ts";
import { defineGateway } from "../../worker/config.ts";

const hex = (digit: string) => digit.repeat(64);
const parse = (list: unknown) => parseApiKeys(JSON.stringify(list));

test("a list of API keys has a principal and a digest for each, and may have an end and claims", () => {
  const list = parse([
    { principal: "acme", sha256: hex("a") },
    { principal: "acme", sha256: hex("B"), expires: "2027-01-01T00:00:00Z" },
    {
      principal: "Zoë 🚀",
      sha256: hex("c"),
      expires: "2027-01-01T02:00:00.5+02:00",
      claims: { plan: ["gold"] },
    },
  ]);
  const newYear = Date.UTC(2027, 0, 1);
  const bytes = (byte: number) => new Uint8Array(32).fill(byte);
  expect(list).toEqual({
    ok: true,
    keys: [
      { principal: "acme", digest: bytes(0xaa), expiresAt: undefined, claims: {} },
      { principal: "acme", digest: bytes(0xbb), expiresAt: newYear, claims: {} },
      { principal: "Zoë 🚀", digest: bytes(0xcc), expiresAt: newYear + 500, claims: { plan: ["gold"] } },
    ],
  });
  expect(parse([])).toEqual({ ok: true, keys: [] });
});

test("every problem of a list is named at once, by its place and its rule, and no value is repeated", () => {
  const secret = "hbk_not-for-any-log";
  const list = parse([
    { principal: "acme", sha256: secret },
    { principal: "", sha256: hex("a") },
    { principal: "p".repeat(256), sha256: hex("b") },
    { sha256: hex("c").slice(1), expires: secret },
    { principal: "acme", sha256: hex("d"), expires: "2027-01-01" },
    { principal: "acme", sha256: hex("d"), expires: "2027-13-01T00:00:00Z" },
    { principal: "acme", sha256: hex("e"), [secret]: true },
    { principal: "acme", sha256: hex("f"), claims: { sub: secret } },
    { principal: "acme", sha256: hex("1"), claims: [secret] },
    { principal: "acme", sha256: hex("2") },
    { principal: "other", sha256: hex("2").toUpperCase() },
    secret,
    null,
  ]);
  expect(list).toEqual({
    ok: false,
    problems: [
      "entry 0: sha256 must be 64 hexadecimal digits",
      "entry 1: principal must be a text of 1 to 255 characters",
      "entry 2: principal must be a text of 1 to 255 characters",
      "entry 3: principal is missing",
      "entry 3: sha256 must be 64 hexadecimal digits",
      "entry 3: expires must be an instant such as 2027-01-01T00:00:00Z",
      "entry 4: expires must be an instant such as 2027-01-01T00:00:00Z",
      "entry 5: expires must be an instant such as 2027-01-01T00:00:00Z",
      "entry 6: has a member other than principal, sha256, expires and claims",
      "entry 7: claims must not have iss or sub, which say whose key it is",
      "entry 8: claims must be an object",
      "entry 10: has the key of entry 9",
      "entry 11: must be an object",
      "entry 12: must be an object",
    ],
  });
  expect(JSON.stringify(list)).not.toContain(secret);
});

test.each(["", "hbk_a-key-by-itself", "{}", "[", "null", '"[]"'])(
  "%j is no list of API keys, and says so",
  (text) => {
    expect(parseApiKeys(text)).toEqual({ ok: false, problems: ["must be a list of API keys in JSON"] });
  },
);

const service = { requestTopic: "requests", replyTopic: "replies" };
const config = defineGateway({
  services: {
    one: { ...service, route: "POST /one", authentication: [{ apiKeys: "KEYS" }] },
    two: { ...service, route: "POST /two", authentication: [{ apiKeys: "KEYS" }, { apiKeys: "MORE_KEYS" }] },
    open: { ...service, route: "POST /open" },
  },
});
const environment = {
  WAITER: {},
  REPLY_DRAIN: {},
  UPSTASH_KAFKA_REST_URL: "http://127.0.0.1",
  UPSTASH_KAFKA_REST_USERNAME: "dev",
  UPSTASH_KAFKA_REST_PASSWORD: "dev",
};
const problemsWith = (more: object) =>
  environmentProblems({ ...environment, ...more } as unknown as Partial<GatewayEnv>, config);

test("the environment needs every list of API keys that a service names, and a list that can be read", () => {
  const list = JSON.stringify([{ principal: "acme", sha256: hex("a") }]);
  expect(problemsWith({ KEYS: list, MORE_KEYS: "[]" })).toEqual([]);
  const [missing, broken, ...more] = problemsWith({ MORE_KEYS: '[{"principal":"acme"}]' });
  expect(missing).toMatch(/^KEYS is not set/);
  expect(broken).toBe("MORE_KEYS: entry 0: sha256 is missing");
  expect(more).toEqual([]);
  // A binding or a variable that is JSON already is no text with a list in it.
  expect(problemsWith({ KEYS: [], MORE_KEYS: list })).toHaveLength(1);
});

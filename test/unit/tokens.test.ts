// Which tokens are good, whose they are, and when nobody can say: with real keys and a key server that the test plays.

import * as fc from "fast-check";
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  SignJWT,
  UnsecuredJWT,
  type CryptoKey,
  type JWK,
} from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { KeySet } from "../../worker/access/key-set.ts";
import { tokenRulesOf, type TokenRules } from "../../worker/access/token-rules.ts";
import { verifyToken } from "../../worker/access/tokens.ts";
import { defineGateway } from "../../worker/config.ts";

const now = 1_790_000_000_000;
const seconds = now / 1_000;
const issuer = "https://issuer.test";
const audience = "orders";

/** As a service declares it. */
function rulesFor(way: object): TokenRules {
  const [service] = defineGateway({
    services: {
      a: {
        route: "POST /a",
        requestTopic: "requests",
        replyTopic: "replies",
        authentication: [way as never],
      },
    },
  }).services;
  const [resolved] = service?.authentication ?? [];
  if (resolved === undefined || "apiKeys" in resolved) throw new Error("a way with tokens was expected");
  return tokenRulesOf(resolved);
}

const jwt = { issuer, audience, jwksUrl: `${issuer}/keys` };
const rules = rulesFor({ jwt });

interface Signer {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}

async function newSigner(kid: string, alg: string): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

let rsa: Signer;
let ec: Signer;
let ed: Signer;
let stranger: Signer;
beforeAll(async () => {
  [rsa, ec, ed, stranger] = await Promise.all([
    newSigner("rsa", "RS256"),
    newSigner("ec", "ES256"),
    newSigner("ed", "EdDSA"),
    newSigner("rsa", "RS256"),
  ]);
});

const claims = { iss: issuer, aud: audience, sub: "alice", exp: seconds + 60 };

function sign(payload: object, { privateKey, kid, alg }: Signer, header: object = {}): Promise<string> {
  return new SignJWT({ ...payload }).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);
}

/** A key server, and how often it was asked. `answer` may be changed. */
function keyServer(...keys: readonly JWK[]) {
  const server = {
    fetches: 0,
    answer: (): Response | Promise<Response> => Response.json({ keys }),
    publish(...next: readonly JWK[]) {
      server.answer = () => Response.json({ keys: next });
    },
    keySet: undefined as unknown as KeySet,
  };
  server.keySet = new KeySet(jwt.jwksUrl, async () => {
    server.fetches++;
    return server.answer();
  });
  return server;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now });
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

test("a token that its issuer signed, for us and for now, says whose it is", async () => {
  const server = keyServer(rsa.jwk, ec.jwk, ed.jwk);
  for (const signer of [rsa, ec, ed]) {
    const payload = { ...claims, aud: ["others", audience], nbf: seconds, tenant: "acme" };
    const token = await sign(payload, signer);
    expect(await verifyToken(token, rules, server.keySet, now)).toEqual({
      status: "accepted",
      caller: { principal: { issuer, subject: "alice" }, claims: payload },
    });
  }
  expect(server.fetches).toBe(1);
});

describe("a token is not taken", () => {
  const cases: readonly (readonly [string, () => string | Promise<string>])[] = [
    ["that nobody signed (alg none)", () => new UnsecuredJWT({ ...claims }).encode()],
    ["with alg none and the key's name", () => `${part({ alg: "none", kid: "rsa" })}.${part(claims)}.`],
    ["with alg None", () => `${part({ alg: "None", kid: "rsa" })}.${part(claims)}.`],
    ["without alg", () => `${part({ kid: "rsa" })}.${part(claims)}.AAAA`],
    [
      "signed by HMAC with the public key in PEM as secret",
      async () =>
        new SignJWT({ ...claims })
          .setProtectedHeader({ alg: "HS256", kid: "rsa" })
          .sign(new TextEncoder().encode(await exportSPKI(rsa.publicKey))),
    ],
    [
      "signed by HMAC with the published key as secret",
      () =>
        new SignJWT({ ...claims })
          .setProtectedHeader({ alg: "HS256", kid: "rsa" })
          .sign(new TextEncoder().encode(JSON.stringify(rsa.jwk))),
    ],
    ["signed by another key of the same name", () => sign(claims, stranger)],
    ["with a key that nobody published", () => sign(claims, { ...rsa, kid: "made-up" })],
    ["with a name that is no text", () => sign(claims, rsa, { kid: 7 as unknown as string })],
    [
      "that brings its own key",
      () => sign(claims, { ...stranger, kid: "made-up" }, { jwk: stranger.jwk, jku: "https://evil.test" }),
    ],
    [
      "with an algorithm that its key is not for",
      async () => {
        const privateKey = (await importJWK(await exportJWK(rsa.privateKey), "PS256")) as CryptoKey;
        return sign(claims, { ...rsa, privateKey, alg: "PS256" });
      },
    ],
    [
      "with an extension that must be understood",
      () =>
        new SignJWT({ ...claims })
          .setProtectedHeader({ alg: "RS256", kid: "rsa", crit: ["urn:more"], "urn:more": 1 })
          .sign(rsa.privateKey, { crit: { "urn:more": true } }),
    ],
    ["that has expired", () => sign({ ...claims, exp: seconds - 6 }, rsa)],
    ["that never expires", () => sign({ ...claims, exp: undefined }, rsa)],
    ["whose end is no number", () => sign({ ...claims, exp: "9999999999" }, rsa)],
    ["that is not good yet", () => sign({ ...claims, nbf: seconds + 6 }, rsa)],
    ["for somebody else", () => sign({ ...claims, aud: "payments" }, rsa)],
    ["for nobody", () => sign({ ...claims, aud: undefined }, rsa)],
    ["for a part of our name", () => sign({ ...claims, aud: "order" }, rsa)],
    ["of another issuer", () => sign({ ...claims, iss: "https://evil.test" }, rsa)],
    ["of no issuer", () => sign({ ...claims, iss: undefined }, rsa)],
    ["of a list of issuers", () => sign({ ...claims, iss: [issuer] }, rsa)],
    ["of nobody", () => sign({ ...claims, sub: undefined }, rsa)],
    ["of somebody without a name", () => sign({ ...claims, sub: "" }, rsa)],
    ["of somebody whose name is no text", () => sign({ ...claims, sub: 7 }, rsa)],
    ["of somebody with an absurd name", () => sign({ ...claims, sub: "a".repeat(256) }, rsa)],
    [
      "whose claims were changed",
      async () => {
        const [head, , signature] = (await sign(claims, rsa)).split(".");
        return `${head}.${part({ ...claims, sub: "bob" })}.${signature}`;
      },
    ],
    [
      "whose signature was changed",
      async () => (await sign(claims, rsa)).replace(/.{4}$/, (end) => (end === "AAAA" ? "BBBB" : "AAAA")),
    ],
    ["whose signature was cut off", async () => (await sign(claims, ec)).replace(/[^.]*$/, "")],
    ["whose signature is too short", async () => (await sign(claims, ec)).slice(0, -10)],
    ["that is an API key", () => "hbk_BPN7-8WgJYJPC77JJ4qooB58y1zt_8zk"],
    ["that is empty", () => ""],
    ["that has five parts, as an encrypted one", () => "a.b.c.d.e"],
    ["that is no base64", () => "é.é.é"],
    ["whose head is no JSON", () => `${Buffer.from("{").toString("base64url")}.${part(claims)}.AAAA`],
    ["whose claims are a list", () => `${part({ alg: "RS256", kid: "rsa" })}.${part([claims])}.AAAA`],
  ];
  test.each(cases)("%s", async (_, makeToken) => {
    const server = keyServer(rsa.jwk, ec.jwk);
    expect(await verifyToken(await makeToken(), rules, server.keySet, now)).toEqual({ status: "invalid" });
  });

  test("by any change of a single character", async () => {
    const { keySet } = keyServer(ec.jwk);
    const token = await sign(claims, ec);
    const character = fc.constantFrom(
      ...Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.="),
    );
    // The last character of a part has bits that mean nothing.
    const places = Array.from(token.slice(0, -1), (_, at) => at).filter((at) => token[at + 1] !== ".");
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), character, async (at, changed) => {
        fc.pre(token[at] !== changed);
        const other = `${token.slice(0, at)}${changed}${token.slice(at + 1)}`;
        expect((await verifyToken(other, rules, keySet, now)).status).toBe("invalid");
      }),
      { numRuns: 200 },
    );
  });

  test("whatever text it is, and nothing is thrown", async () => {
    const { keySet } = keyServer(rsa.jwk, ec.jwk);
    const json = fc.json().map((text) => Buffer.from(text).toString("base64url"));
    const head = fc
      .record({
        alg: fc.constantFrom("RS256", "ES256", "HS256", "none"),
        kid: fc.anything(),
        crit: fc.anything(),
      })
      .map(part);
    const body = fc.dictionary(fc.string(), fc.jsonValue()).map((some) => part({ ...some, ...claims }));
    const tokens = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.tuple(fc.oneof(head, json), fc.oneof(body, json), fc.base64String()).map((parts) => parts.join(".")),
    );
    await fc.assert(
      fc.asyncProperty(tokens, async (token) => {
        expect((await verifyToken(token, rules, keySet, now)).status).toBe("invalid");
      }),
      { numRuns: 300 },
    );
  });
});

test("a token without its key's name is taken where one key can be meant, and not where several can", async () => {
  const token = await sign(claims, rsa, { kid: undefined });
  const status = async (...keys: readonly JWK[]) =>
    (await verifyToken(token, rules, keyServer(...keys).keySet, now)).status;
  expect(await status(rsa.jwk, ec.jwk)).toBe("accepted");
  expect(await status(rsa.jwk, { ...stranger.jwk, kid: "other" })).toBe("invalid");
});

test("the clocks of issuer and gateway may differ by as much as the service says, and not by more", async () => {
  const { keySet } = keyServer(rsa.jwk);
  const status = async (payload: object, clockToleranceSeconds: number) =>
    (
      await verifyToken(
        await sign({ ...claims, ...payload }, rsa),
        { ...rules, clockToleranceSeconds },
        keySet,
        now,
      )
    ).status;
  expect(await status({ exp: seconds - 9 }, 10)).toBe("accepted");
  expect(await status({ exp: seconds - 10 }, 10)).toBe("invalid");
  expect(await status({ nbf: seconds + 10 }, 10)).toBe("accepted");
  expect(await status({ nbf: seconds + 11 }, 10)).toBe("invalid");
  expect(await status({ exp: seconds }, 0)).toBe("invalid");
});

test("only the algorithms that the service lists are taken", async () => {
  const { keySet } = keyServer(rsa.jwk, ec.jwk);
  const onlyEc = { ...rules, algorithms: ["ES256"] };
  expect((await verifyToken(await sign(claims, ec), onlyEc, keySet, now)).status).toBe("accepted");
  expect((await verifyToken(await sign(claims, rsa), onlyEc, keySet, now)).status).toBe("invalid");
});

test("a good token without a claim that is asked for is forbidden, and a bad one with it is still bad", async () => {
  const { keySet } = keyServer(rsa.jwk);
  const strict = rulesFor({ jwt: { ...jwt, requiredClaims: { scope: "orders:write", tenant: ["a", "b"] } } });
  const status = async (payload: object, signer = rsa) =>
    (await verifyToken(await sign({ ...claims, ...payload }, signer), strict, keySet, now)).status;
  expect(await status({ scope: "openid orders:write", tenant: "b" })).toBe("accepted");
  expect(await status({ scope: "openid orders:write" })).toBe("forbidden");
  expect(await status({ scope: "openid", tenant: "b" })).toBe("forbidden");
  expect(await status({ scope: "openid", tenant: "b", exp: seconds - 60 })).toBe("invalid");
  expect(await status({ scope: "orders:write", tenant: "b" }, stranger)).toBe("invalid");
});

describe("Cloudflare Access", () => {
  const access = rulesFor({ cloudflareAccess: { team: "acme", audience: "aud-tag" } });
  const teamIssuer = "https://acme.cloudflareaccess.com";
  const person = { type: "app", iss: teamIssuer, aud: ["aud-tag"], sub: "7335d417", exp: seconds + 60 };
  const verify = async (payload: object) => {
    const { keySet } = keyServer(rsa.jwk);
    return verifyToken(await sign(payload, rsa), access, keySet, now);
  };

  test("has its issuer and its keys at the team's domain", () => {
    expect(access).toMatchObject({ issuer: teamIssuer, jwksUrl: `${teamIssuer}/cdn-cgi/access/certs` });
    const elsewhere = { team: "acme", audience: "a", jwksUrl: "http://127.0.0.1:1/keys" };
    expect(rulesFor({ cloudflareAccess: elsewhere })).toMatchObject({
      issuer: teamIssuer,
      jwksUrl: elsewhere.jwksUrl,
    });
  });

  test("names a person by its subject, and a service token by its common name", async () => {
    expect(await verify({ ...person, email: "a@b.test" })).toMatchObject({
      caller: { principal: { issuer: teamIssuer, subject: "7335d417" }, claims: { email: "a@b.test" } },
    });
    const serviceToken = { ...person, aud: "aud-tag", sub: "", common_name: "e367.access" };
    expect(await verify(serviceToken)).toMatchObject({
      caller: { principal: { issuer: teamIssuer, subject: "service-token:e367.access" } },
    });
  });

  test("has nobody behind a token with neither, nor one of another application or team", async () => {
    expect(await verify({ ...person, sub: "" })).toEqual({ status: "invalid" });
    expect(await verify({ ...person, sub: "", common_name: "" })).toEqual({ status: "invalid" });
    expect(await verify({ ...person, aud: ["another"] })).toEqual({ status: "invalid" });
    expect(await verify({ ...person, iss: "https://evil.cloudflareaccess.com" })).toEqual({
      status: "invalid",
    });
  });
});

describe("the keys of an issuer", () => {
  const status = async (server: ReturnType<typeof keyServer>, signer: Signer, at = Date.now()) => {
    const token = await sign({ ...claims, exp: at / 1_000 + 60 }, signer);
    return (await verifyToken(token, rules, server.keySet, at)).status;
  };
  const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

  test("are fetched once for many tokens, and again after ten minutes", async () => {
    const server = keyServer(rsa.jwk);
    for (let at = 0; at < 5; at++) expect(await status(server, rsa)).toBe("accepted");
    expect(server.fetches).toBe(1);
    pass(599_000);
    await status(server, rsa);
    expect(server.fetches).toBe(1);
    pass(2_000);
    await status(server, rsa);
    expect(server.fetches).toBe(2);
  });

  test("are fetched again for a key that is not among them, so that an issuer may go over to the next one", async () => {
    const server = keyServer(rsa.jwk);
    expect(await status(server, rsa)).toBe("accepted");
    server.publish(rsa.jwk, ec.jwk);
    pass(10_000);
    expect(await status(server, ec)).toBe("accepted");
    expect(await status(server, rsa)).toBe("accepted");
    expect(server.fetches).toBe(2);
    // The old one is withdrawn.
    server.publish(ec.jwk);
    pass(600_000);
    expect(await status(server, rsa)).toBe("invalid");
    expect(await status(server, ec)).toBe("accepted");
  });

  test("are not fetched for each key that somebody makes up", async () => {
    const server = keyServer(rsa.jwk);
    await status(server, rsa);
    for (let at = 0; at < 20; at++)
      expect(await status(server, { ...stranger, kid: `made-up-${at}` })).toBe("invalid");
    expect(server.fetches).toBe(1);
  });

  test("are not fetched for a token that cannot be the issuer's", async () => {
    const server = keyServer(rsa.jwk);
    const tokens = [
      "hbk_an-api-key",
      new UnsecuredJWT({ ...claims }).encode(),
      await sign({ ...claims, iss: "https://another.test" }, rsa),
    ];
    for (const token of tokens) await verifyToken(token, rules, server.keySet, now);
    expect(server.fetches).toBe(0);
  });

  const failures: readonly (readonly [string, () => Response | Promise<Response>])[] = [
    ["nobody answers", () => Promise.reject(new TypeError("fetch failed"))],
    ["the answer is an error", () => new Response("no", { status: 500 })],
    [
      "the answer leads elsewhere",
      () => new Response(null, { status: 302, headers: { Location: "https://evil.test" } }),
    ],
    ["the answer is no JSON", () => new Response("<html>")],
    ["the answer is no set of keys", () => Response.json({ keys: "none" })],
  ];
  test.each(failures)("that cannot be had say nothing about the token: %s", async (_, answer) => {
    const server = keyServer(rsa.jwk);
    const healthy = server.answer;
    server.answer = answer;
    expect(await status(server, rsa)).toBe("unavailable");
    expect(await status(server, stranger)).toBe("unavailable");
    expect(server.fetches).toBe(1);
    expect(console.warn).toHaveBeenCalledOnce();
    server.answer = healthy;
    pass(2_000);
    expect(await status(server, rsa)).toBe("accepted");
  });

  test("of one that hangs hold up one request and one line of log at a time; the others are told at once", async () => {
    // As on Workers, where jose has every request fetch for itself.
    vi.stubGlobal("WebSocketPair", () => undefined);
    const server = keyServer(rsa.jwk);
    const healthy = server.answer;
    server.answer = () => Promise.reject(new TypeError("fetch failed"));
    const token = await sign(claims, rsa);
    const atOnce = Array.from({ length: 5 }, () => verifyToken(token, rules, server.keySet, now));
    expect((await Promise.all(atOnce)).map((each) => each.status)).toEqual(
      Array<string>(5).fill("unavailable"),
    );
    expect(server.fetches).toBe(5);
    pass(2_000);
    const hangs = Promise.withResolvers<Response>();
    server.answer = () => hangs.promise;
    const first = status(server, rsa);
    await vi.waitFor(() => expect(server.fetches).toBe(6));
    for (let at = 0; at < 5; at++) expect(await status(server, rsa)).toBe("unavailable");
    expect(server.fetches).toBe(6);
    expect(console.warn).toHaveBeenCalledOnce();
    hangs.resolve(healthy());
    expect(await first).toBe("accepted");
  });

  test("are asked for again though the request that asked before is gone with its client", async () => {
    vi.stubGlobal("WebSocketPair", () => undefined);
    const server = keyServer(rsa.jwk);
    const healthy = server.answer;
    server.answer = () => Promise.reject(new TypeError("fetch failed"));
    expect(await status(server, rsa)).toBe("unavailable");
    pass(2_000);
    server.answer = () => new Promise(() => undefined);
    void status(server, rsa);
    await vi.waitFor(() => expect(server.fetches).toBe(2));
    server.answer = healthy;
    pass(2_500);
    expect(await status(server, rsa)).toBe("unavailable");
    pass(500);
    expect(await status(server, rsa)).toBe("accepted");
    // It is back, and two who come while keys are old need not wait for each other.
    pass(600_000);
    const token = await sign({ ...claims, exp: Date.now() / 1_000 + 60 }, rsa);
    const both = [1, 2].map(() => verifyToken(token, rules, server.keySet, Date.now()));
    expect((await Promise.all(both)).map((each) => each.status)).toEqual(["accepted", "accepted"]);
  });

  test("that are known are used on while others cannot be fetched", async () => {
    const server = keyServer(rsa.jwk);
    await status(server, rsa);
    server.answer = () => Promise.reject(new TypeError("fetch failed"));
    pass(11_000);
    expect(await status(server, { ...ec, kid: "next" })).toBe("unavailable");
    expect(await status(server, rsa)).toBe("accepted");
    expect(server.fetches).toBe(2);
    // Old by now, and still the best there is, for an hour.
    pass(600_000);
    expect(await status(server, rsa)).toBe("accepted");
    pass(3_600_000);
    expect(await status(server, rsa)).toBe("unavailable");
  });

  test("that are secrets are not used", async () => {
    const secret = new Uint8Array(32).fill(7);
    const server = keyServer({
      kty: "oct",
      kid: "shared",
      k: Buffer.from(secret).toString("base64url"),
      alg: "HS256",
    });
    const token = await new SignJWT({ ...claims })
      .setProtectedHeader({ alg: "HS256", kid: "shared" })
      .sign(secret);
    const everything = { ...rules, algorithms: [...rules.algorithms, "HS256"] };
    expect(await verifyToken(token, everything, server.keySet, now)).toEqual({ status: "invalid" });
  });
});

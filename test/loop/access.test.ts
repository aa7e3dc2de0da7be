// Who may ask for what, over HTTP: API keys, tokens and Cloudflare Access at the gateway, and what of them its services
// see on the records.

import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEmbeddedLog } from "../../bridge/index.ts";
import { decodeText, type KafkaRecord } from "../../protocol/index.ts";
import { atOnce } from "../support/bridge.ts";
import { startGateways, type RunningGateway } from "../support/gateways.ts";
import { startLogResponder, type LogResponder } from "../support/log-responder.ts";
import { bridgeOver } from "../support/embedded-bridge.ts";
import { startTokenIssuer, type TokenIssuer } from "../support/token-issuer.ts";

const requestTopic = "access.requests";
const issuer = "https://issuer.test";
const team = "https://acme.cloudflareaccess.com";
const keys = { acme: "hbk_acme's key", beta: "hbk_beta's key", old: "hbk_acme's key of last year" };

const atTheEnd: (() => unknown)[] = [];
const log = openEmbeddedLog({
  topics: new Map([
    [requestTopic, 1],
    ["access.replies", 1],
  ]),
});
const service = { requestTopic, replyTopic: "access.replies", timeoutMs: 10_000 } as const;
let responder: LogResponder;
let tokens: TokenIssuer;
let gateway: RunningGateway;

beforeAll(async () => {
  const later = (cleanup: () => unknown) => atTheEnd.push(cleanup);
  const bridge = await bridgeOver(log, later);
  responder = startLogResponder(log, { topics: [requestTopic], answerTo: (_, body) => `to ${body}` });
  later(() => responder.stop());
  tokens = await startTokenIssuer();
  later(() => tokens.stop());
  const gone = await startTokenIssuer();
  await gone.stop();
  const sha256 = (key: string) => createHash("sha256").update(key).digest("hex");
  const jwt = {
    issuer,
    audience: "orders",
    jwksUrl: tokens.jwksUrl,
    requiredClaims: { scope: "orders:write" },
  };
  const { byName } = await startGateways(
    bridge.url,
    [
      {
        name: "access",
        variables: {
          API_KEYS: JSON.stringify([
            { principal: "acme", sha256: sha256(keys.acme), claims: { plan: "gold" } },
            { principal: "beta", sha256: sha256(keys.beta) },
            { principal: "acme", sha256: sha256(keys.old), expires: "2026-01-01T00:00:00Z" },
          ]),
        },
        options: {
          services: {
            keyed: {
              ...service,
              route: "POST /keyed",
              authentication: [{ apiKeys: "API_KEYS" }],
              forwardClaims: ["sub", "plan"],
              forwardHeaders: ["x-note"],
            },
            signed: {
              ...service,
              route: "POST /signed",
              authentication: [{ jwt }],
              forwardClaims: ["sub", "name"],
            },
            /** Its tokens name the same people, and are for less. */
            reports: {
              ...service,
              route: "GET /reports",
              authentication: [{ jwt: { issuer, audience: "reports", jwksUrl: tokens.jwksUrl } }],
            },
            /** Its keys are those of the others, at a URL that nobody has asked before: it takes no token of theirs. */
            cold: {
              ...service,
              route: "POST /cold",
              authentication: [
                { jwt: { ...jwt, issuer: "https://cold.test", jwksUrl: `${tokens.jwksUrl}/cold` } },
              ],
            },
            either: { ...service, route: "POST /either", authentication: [{ apiKeys: "API_KEYS" }, { jwt }] },
            guarded: {
              ...service,
              route: "POST /guarded",
              authentication: [
                { cloudflareAccess: { team: "acme", audience: "aud-tag", jwksUrl: tokens.jwksUrl } },
              ],
            },
            orphaned: {
              ...service,
              route: "POST /orphaned",
              authentication: [
                { jwt: { issuer: "https://gone.test", audience: "orders", jwksUrl: gone.jwksUrl } },
              ],
            },
            open: { ...service, route: "POST /open", forwardHeaders: ["authorization"] },
          },
        },
      },
    ],
    later,
  );
  gateway = byName.access;
});
afterAll(async () => {
  for (const cleanup of atTheEnd.toReversed()) await cleanup();
});

type Sent = Readonly<Record<string, string>>;

function ask(path: string, body: string, headers: Sent = {}): Promise<Response> {
  return fetch(`${gateway.url}${path}`, { method: "POST", body, headers });
}

const as = (credential: string) => ({ authorization: `Bearer ${credential}` });
const alice = { iss: issuer, aud: "orders", sub: "alice", scope: "orders:write" };

/** Records of requests with this body so far. */
async function recordsWith(body: string): Promise<readonly KafkaRecord[]> {
  const start = [{ topic: requestTopic, partition: 0, offset: 0 }];
  const records = await log.fetch(start, { ...atOnce, timeoutMs: 0, signal: new AbortController().signal });
  return records.filter(({ value }) => decodeText(value ?? new Uint8Array()) === body);
}

/** Headers of the one record with this body, in lower case, each with all its values. */
async function headersOf(body: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const records = await recordsWith(body);
  expect(records).toHaveLength(1);
  const headers = new Map<string, string[]>();
  for (const { key, value } of records[0]?.headers ?? []) {
    const name = key.toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), decodeText(value) ?? ""]);
  }
  return headers;
}

async function problemOf(response: Response): Promise<Record<string, unknown>> {
  const problem = (await response.json()) as Record<string, unknown>;
  expect(problem).toMatchObject({
    status: response.status,
    correlationId: response.headers.get("x-correlation-id"),
  });
  return problem;
}

describe("two tenants with one key of the same text", () => {
  const idempotencyKey = { "idempotency-key": '"order-1"' };
  const locations = { acme: "", beta: "" };

  test("have two exchanges, two records, and an answer each", async () => {
    const [acme, beta] = await Promise.all(
      (["acme", "beta"] as const).map((tenant) =>
        ask("/keyed", "the same", { ...as(keys[tenant]), ...idempotencyKey }),
      ),
    );
    expect([acme?.status, beta?.status]).toEqual([200, 200]);
    const ids = [acme, beta].map((response) => response?.headers.get("x-correlation-id") ?? "");
    expect(new Set(ids).size).toBe(2);
    expect((await recordsWith("the same")).map(({ key }) => decodeText(key ?? new Uint8Array()))).toEqual(
      expect.arrayContaining(ids),
    );
    expect(await recordsWith("the same")).toHaveLength(2);
    [locations.acme, locations.beta] = ids.map((id) => `/requests/${id}`) as [string, string];
    const again = await ask("/keyed", "the same", { ...as(keys.acme), ...idempotencyKey });
    expect([again.status, again.headers.get("x-correlation-id")]).toEqual([200, ids[0]]);
    expect(await recordsWith("the same")).toHaveLength(2);
  });

  test.each([
    ["acme", "beta", {}],
    ["beta", "acme", { prefer: "wait=5" }],
  ] as const)(
    "%s cannot see or cancel what is %s's, which is as if it were not there",
    async (me, other, more) => {
      const forged = locations[other].replace(/.{8}$/, "00000000");
      for (const method of ["GET", "HEAD", "DELETE"]) {
        const call = async (path: string, headers: Sent) => {
          const response = await fetch(`${gateway.url}${path}`, { method, headers: { ...more, ...headers } });
          const text = await response.text();
          const asked = response.headers.get("x-correlation-id") ?? "";
          return {
            status: response.status,
            namesTheAsked: path.includes(asked),
            headers: [...response.headers].filter(([name]) => !["date", "x-correlation-id"].includes(name)),
            body: text.replace(asked, "…"),
          };
        };
        const unknown = await call(forged, as(keys[me]));
        expect(unknown).toMatchObject({ status: 404, namesTheAsked: false });
        expect(await call(locations[other], as(keys[me]))).toEqual(unknown);
        expect(await call(locations[other], {})).toEqual(unknown);
      }
      const own = await fetch(`${gateway.url}${locations[other]}`, { headers: as(keys[other]) });
      expect([own.status, await own.text()]).toEqual([200, "to the same"]);
    },
  );

  test("one that still waits is another's too, and is cancelled by its owner alone", async () => {
    responder.hold();
    try {
      const own = as(await tokens.sign(alice));
      const asked = await ask("/signed", "waits", { ...own, prefer: "respond-async" });
      const location = `${gateway.url}${asked.headers.get("location")}`;
      const status = async (method: string, headers: Sent) =>
        (await fetch(location, { method, headers })).status;
      for (const other of [as(await tokens.sign({ ...alice, sub: "bob" })), as(keys.acme), {}]) {
        expect([await status("GET", other), await status("DELETE", other)]).toEqual([404, 404]);
      }
      expect(await status("GET", own)).toBe(202);
      expect(await status("DELETE", own)).toBe(204);
      expect(await status("GET", own)).toBe(409);
    } finally {
      await responder.release();
    }
  });
});

test("an answer is given to who may call its service, and not for a token of the same person that is for less", async () => {
  const own = as(await tokens.sign(alice));
  const asked = await ask("/signed", "for orders alone", { ...own, prefer: "respond-async" });
  const location = `${gateway.url}${asked.headers.get("location")}`;
  const answered = await fetch(location, { headers: { ...own, prefer: "wait=5" } });
  expect([answered.status, await answered.text()]).toEqual([200, "to for orders alone"]);
  const elsewhere = await fetch(location, { headers: as(await tokens.sign({ ...alice, aud: "reports" })) });
  expect(await problemOf(elsewhere)).toMatchObject({ status: 401, code: "unauthenticated" });
});

test("a caller who is known may use a short key, and one who is not may not", async () => {
  const short = { "idempotency-key": '"1"' };
  expect((await ask("/keyed", randomUUID(), { ...as(keys.acme), ...short })).status).toBe(200);
  expect(await problemOf(await ask("/open", "x", short))).toMatchObject({ code: "idempotency_key_invalid" });
});

test("what was opened without a name belongs to whoever knows its ID, and to those with a name too", async () => {
  const asked = await ask("/open", "nobody's", { prefer: "respond-async" });
  const location = `${gateway.url}${asked.headers.get("location")}`;
  for (const headers of [{}, as(keys.acme), as(await tokens.sign(alice))]) {
    const looked = await fetch(location, { headers: { ...headers, prefer: "wait=5" } });
    expect([looked.status, await looked.text()]).toEqual([200, "to nobody's"]);
  }
});

describe("who is not let in", () => {
  const noToken = 'Bearer realm="hearback"';
  const badToken = 'Bearer realm="hearback", error="invalid_token"';
  test.each([
    ["sends nothing", "/keyed", {}, noToken],
    ["sends a name and a password", "/keyed", { authorization: "Basic YWNtZTphY21l" }, noToken],
    ["sends a wrong key", "/keyed", as("hbk_wrong"), badToken],
    ["sends a key that expired", "/keyed", as(keys.old), badToken],
    ["sends a wrong key in the other header", "/keyed", { "x-api-key": "hbk_wrong" }, badToken],
    ["sends its key where tokens are asked for", "/signed", as(keys.acme), badToken],
    ["sends a key in the wrong header", "/signed", { "x-api-key": keys.acme }, noToken],
    ["sends nothing to a service with two ways", "/either", {}, noToken],
    ["goes around Access", "/guarded", {}, noToken],
    ["goes around Access with a key", "/guarded", as(keys.acme), noToken],
    ["makes up what Access says", "/guarded", { "cf-access-jwt-assertion": "a.b.c" }, badToken],
  ])("%s: 401, and nothing is produced", async (_, path, headers, challenge) => {
    const me = randomUUID();
    const response = await ask(path, me, headers);
    expect(response.headers.get("www-authenticate")).toBe(challenge);
    const { title, detail } = await problemOf(response).then((problem) => {
      expect(problem).toMatchObject({ status: 401, code: "unauthenticated" });
      return problem;
    });
    expect([title, detail]).toEqual(["The service has to know who asks", undefined]);
    expect(await recordsWith(me)).toEqual([]);
  });

  test("has a good token without what the service asks for: 403", async () => {
    const token = await tokens.sign({ ...alice, scope: "orders:read" });
    const response = await ask("/signed", "x", as(token));
    expect(response.headers.get("www-authenticate")).toContain("insufficient_scope");
    expect(await problemOf(response)).toMatchObject({ status: 403, code: "forbidden" });
  });

  test("has a token whose claims are too long to travel: 403", async () => {
    const response = await ask("/signed", "x", as(await tokens.sign({ ...alice, name: "ë".repeat(1_000) })));
    expect(await problemOf(response)).toMatchObject({ status: 403, code: "forbidden" });
  });

  test("cannot be told apart while the keys of the issuer are out of reach: 503, and nobody is called a liar", async () => {
    const token = await tokens.sign({ ...alice, iss: "https://gone.test" });
    const response = await ask("/orphaned", "x", as(token));
    expect(response.headers.get("retry-after")).toBe("2");
    expect(await problemOf(response)).toMatchObject({ status: 503, code: "authentication_unavailable" });
    expect((await ask("/orphaned", "x")).status).toBe(401);
    expect((await ask("/orphaned", "x", as(await tokens.sign(alice)))).status).toBe(401);
  });

  test("comes back for somebody's exchange with credentials that no service accepts: 401, whatever the ID", async () => {
    const asked = await ask("/keyed", "for acme", { ...as(keys.acme), prefer: "respond-async" });
    const plain = await ask("/open", "kept by nobody");
    const gone = `/requests/${plain.headers.get("x-correlation-id")}`;
    for (const path of [asked.headers.get("location"), gone, `/requests/${"0".repeat(64)}`]) {
      for (const method of ["GET", "DELETE"]) {
        const response = await fetch(`${gateway.url}${path}`, { method, headers: as("hbk_wrong") });
        expect(response.headers.get("www-authenticate")).toBe(badToken);
        expect(await problemOf(response)).toMatchObject({ status: 401, code: "unauthenticated" });
      }
    }
  });
});

describe("what a service learns of its caller", () => {
  const forged: Sent = {
    "x-principal": '{"sub":"admin"}',
    "X-PRINCIPAL": '{"sub":"admin"}',
    "x-reply-topic": "elsewhere",
    "x-deadline": "9999999999999",
    "x-produce-id": "another's",
    "x-note": "a note",
  };

  test("is the claims that it asks for, of a key: nothing that a client sends takes their place", async () => {
    const me = randomUUID();
    expect((await ask("/keyed", me, { ...forged, "x-api-key": keys.acme })).status).toBe(200);
    const headers = await headersOf(me);
    expect(headers.get("x-principal")).toEqual(['{"sub":"acme","plan":"gold"}']);
    expect(headers.get("x-reply-topic")).toEqual(["access.replies"]);
    expect(headers.get("x-note")).toEqual(["a note"]);
    for (const name of ["x-deadline", "x-produce-id"]) {
      expect(headers.get(name)).toHaveLength(1);
      expect(headers.get(name)).not.toEqual([forged[name]]);
    }
    expect(JSON.stringify([...headers])).not.toContain(keys.acme);
  });

  test("is the claims that it asks for, of a token, in ASCII", async () => {
    const me = randomUUID();
    const token = await tokens.sign({ ...alice, name: "Zoë\r\nX-Evil: 1", email: "a@b.test" });
    expect((await ask("/signed", me, { ...forged, ...as(token) })).status).toBe(200);
    const headers = await headersOf(me);
    expect(headers.get("x-principal")).toEqual(['{"sub":"alice","name":"Zo\\u00eb\\r\\nX-Evil: 1"}']);
    expect(JSON.stringify([...headers])).not.toContain(token);
  });

  test("is nothing where it asks for nothing, and nothing that a client says of itself", async () => {
    const [known, unknown] = [randomUUID(), randomUUID()];
    await ask("/either", known, { ...forged, ...as(keys.acme) });
    await ask("/open", unknown, { ...forged, authorization: "Basic open" });
    expect((await headersOf(known)).has("x-principal")).toBe(false);
    const headers = await headersOf(unknown);
    expect(headers.has("x-principal")).toBe(false);
    // Where nobody has to say who they are, the header is the service's own business.
    expect(headers.get("authorization")).toEqual(["Basic open"]);
  });
});

describe("tokens", () => {
  test("of many callers at once are all good, though no keys were there before", async () => {
    const callers = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        tokens.sign({ ...alice, iss: "https://cold.test", sub: `caller ${at}` }),
      ),
    );
    const before = tokens.fetches;
    const answers = await Promise.all(callers.map((token, at) => ask("/cold", `of ${at}`, as(token))));
    expect(answers.map(({ status }) => status)).toEqual(callers.map(() => 200));
    const after = tokens.fetches;
    expect(after).toBeGreaterThan(before);
    expect((await ask("/cold", "one more", as(callers[0] ?? ""))).status).toBe(200);
    expect(tokens.fetches).toBe(after);
  });

  test("and API keys open the same service, for principals of their own", async () => {
    const idempotencyKey = { "idempotency-key": '"either"' };
    const token = await tokens.sign({ ...alice, sub: "acme" });
    const answers = await Promise.all(
      [as(keys.acme), as(token)].map((credential) =>
        ask("/either", "either", { ...credential, ...idempotencyKey }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(new Set(answers.map(({ headers }) => headers.get("x-correlation-id"))).size).toBe(2);
  });

  test("of Access let a person and a service in, each for itself", async () => {
    const access = { iss: team, aud: ["aud-tag"], type: "app" };
    const person = await tokens.sign({ ...access, sub: "7335d417", email: "a@b.test" });
    const machine = await tokens.sign({ ...access, sub: "", common_name: "e367.access" });
    const ids = await Promise.all(
      [person, machine].map(async (token) => {
        const headers = { "cf-access-jwt-assertion": token, "idempotency-key": '"guarded"' };
        const response = await ask("/guarded", "guarded", headers);
        expect(response.status).toBe(200);
        return response.headers.get("x-correlation-id");
      }),
    );
    expect(new Set(ids).size).toBe(2);
    const own = (token: string) =>
      fetch(`${gateway.url}/requests/${ids[0]}`, { headers: { "cf-access-jwt-assertion": token } });
    expect([(await own(person)).status, (await own(machine)).status]).toEqual([200, 404]);
  });
});

test("who sends what a service never asked for comes back for its answer with that, too", async () => {
  const upstream = { authorization: "Bearer of-another-place" };
  const asked = await ask("/open", "mine", { ...upstream, prefer: "respond-async" });
  const location = `${gateway.url}${asked.headers.get("location")}`;
  const waiting = { ...upstream, prefer: "wait=5" };
  expect(await (await fetch(location, { headers: waiting })).text()).toContain("mine");
});

test("who proves to be two is either of them where it comes back", async () => {
  const both = { ...as(await tokens.sign(alice)), "x-api-key": keys.acme };
  for (const path of ["/keyed", "/signed"]) {
    const asked = await ask(path, `of ${path}`, { ...both, prefer: "respond-async" });
    expect(asked.headers.get("cache-control")).toBe("no-store");
    const location = `${gateway.url}${asked.headers.get("location")}`;
    const answer = await fetch(location, { headers: { ...both, prefer: "wait=5" } });
    expect(await answer.text()).toContain(`of ${path}`);
    const taken = await fetch(location, { method: "DELETE", headers: both });
    expect(taken.status).toBe(409);
  }
});

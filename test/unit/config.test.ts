// The config check: every problem at once, each with name, received value and rule.

import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { ConfigError, defineGateway, resolveGateway } from "../../worker/config.ts";

const predict = { route: "POST /predict", requestTopic: "requests", replyTopic: "replies" };

function problemsOf(input: unknown): string[] {
  const resolved = resolveGateway(input);
  return resolved.ok
    ? []
    : resolved.problems.map(({ option, received, rule }) => `${option} | ${received} | ${rule}`);
}

test("a service needs only a route and two topics; everything else has a default", () => {
  expect(defineGateway({ services: { predict } })).toEqual({
    services: [
      {
        name: "predict",
        method: "POST",
        path: "/predict",
        requestTopic: "requests",
        replyTopic: "replies",
        replyPartitions: 1,
        replyRouting: "partition",
        timeoutMs: 10_000,
        bodyLimitBytes: 1_000_000,
        forwardHeaders: [],
        recordKey: undefined,
        correlationIds: "hex",
        headerDialect: "native",
        idempotencyKey: "optional",
        clientCorrelationIdAsKey: false,
        asyncTimeoutMs: 300_000,
        retentionMs: 86_400_000,
        lateReplies: "discard",
        cancelRecords: false,
        authentication: [],
        forwardClaims: [],
        capacity: 1_000,
        capacityPerPrincipal: undefined,
        breaker: { failures: 5, openMs: 10_000, probes: 1 },
        fallback: undefined,
        responderGroup: undefined,
      },
    ],
    produceTimeoutMs: 3_000,
    workersPlan: "free",
    drainLocation: undefined,
    limits: { urlBytes: 8_192, headerCount: 100, headerBytes: 32_768 },
  });
});

test("every wrong value is reported at once, with its name, what was received and the rule", () => {
  const problems = problemsOf({
    produceTimeoutMs: 1,
    services: {
      a: { ...predict, route: "FETCH /x", timeoutMs: "5s", replyPartitions: 0, surprise: true },
      b: { route: "POST /b", requestTopic: "no good", forwardHeaders: ["X-Tenant", "accept"] },
      c: { ...predict, route: "POST /c", forwardHeaders: ["x-principal"], recordKey: { cookie: "id" } },
    },
  });
  const starts = [
    "produceTimeoutMs | 1 | must be at least 100 ms",
    'services.a.route | "FETCH /x" | must be GET, POST',
    'services.a.timeoutMs | "5s" | a number of ms is needed',
    "services.a.replyPartitions | 0 | must be at least 1",
    'services.a.surprise | "surprise" | is not an option',
    'services.b.requestTopic | "no good" | must be a Kafka topic name',
    "services.b.replyTopic | undefined | is missing",
    'services.b.forwardHeaders.0 | "X-Tenant" | must be a header name in lower case',
    'services.c.forwardHeaders.0 | "x-principal" | is set by the gateway itself',
    'services.c.recordKey | {"cookie":"id"} | must be one of',
  ];
  for (const start of starts)
    expect(
      problems.some((problem) => problem.startsWith(start)),
      `${start}\n${problems.join("\n")}`,
    ).toBe(true);
  expect(problems).toHaveLength(starts.length);
});

test("relations between options are checked together, too", () => {
  expect(
    problemsOf({
      produceTimeoutMs: 3_000,
      services: {
        quick: { ...predict, timeoutMs: 3_000 },
        loop: { route: "POST /loop", requestTopic: "loop", replyTopic: "requests" },
        other: { route: "POST /other", requestTopic: "other", replyTopic: "replies", replyPartitions: 3 },
        basket: {
          route: "GET /basket/:id",
          requestTopic: "basket",
          replyTopic: "replies",
          recordKey: { path: "user" },
        },
        list: { route: "GET /list", requestTopic: "list", replyTopic: "replies", recordKey: { body: "/id" } },
      },
    }),
  ).toEqual([
    "services.quick.timeoutMs | 3000 | must be longer than produceTimeoutMs (3000)",
    'services.basket.recordKey.path | "user" | must be a parameter of the route "GET /basket/:id"',
    'services.list.recordKey.body | "/id" | a GET request has no body to take a key from',
    'services.loop.replyTopic | "requests" | must not be a request topic: replies would be read as requests',
    "services.other.replyPartitions | 3 | must equal services.quick.replyPartitions (1), which has the same reply topic",
  ]);
});

test("a set of reply partitions is distinct, not empty and within the topic, and is the same in any order", () => {
  const owning = (replyPartitions: unknown) =>
    problemsOf({ services: { a: { ...predict, replyPartitions } } });
  expect(owning({ own: [3], of: 10 })).toEqual([]);
  expect(owning({ own: [], of: 10 })).toEqual([
    "services.a.replyPartitions.own | [] | must have at least one partition",
  ]);
  expect(owning({ own: [3, 3], of: 10 })).toEqual([
    "services.a.replyPartitions.own | [3,3] | must name each partition once",
  ]);
  expect(owning({ own: [3, 10], of: 10 })).toEqual([
    'services.a.replyPartitions | {"own":[3,10],"of":10} | must own partitions from 0 to of - 1',
  ]);
  expect(owning({ own: [0.5], of: 1_001 })).toEqual([
    "services.a.replyPartitions.own.0 | 0.5 | must be a whole number",
    "services.a.replyPartitions.of | 1001 | must be at most 1000 partitions",
  ]);
  for (const odd of ["3", { own: 3, of: 10 }, { own: [3] }, [3]]) {
    expect(owning(odd)).toEqual([
      `services.a.replyPartitions | ${JSON.stringify(odd)} | must be a number of partitions, or { own: [3], of: 10 }`,
    ]);
  }
  const { services } = defineGateway({
    services: {
      a: { ...predict, replyPartitions: { own: [7, 3], of: 10 } },
      b: { ...predict, route: "POST /b", replyPartitions: { own: [3, 7], of: 10 } },
    },
  });
  expect(services.map(({ replyPartitions }) => replyPartitions)).toEqual([
    { own: [3, 7], of: 10 },
    { own: [3, 7], of: 10 },
  ]);
});

test.each(["/:id{[}", "/:id{(}", "/:id{[0-9]+}/("])(
  "a route that cannot be routed is a problem: %s",
  (path) => {
    expect(problemsOf({ services: { a: { ...predict, route: `GET ${path}` } } })).toEqual([
      `services.a.route | "GET ${path}" | must be a path in Hono's syntax: what is in braces is a regular expression`,
    ]);
  },
);

test("routes that can only be routed apart are a problem of the one that comes second", () => {
  const odd = (route: string) => ({ ...predict, route });
  expect(problemsOf({ services: { odd: odd("PUT /?*") } })).toEqual([]);
  expect(problemsOf({ services: { a: odd("PUT /a/:id"), odd: odd("PUT /?*") } })).toEqual([
    'services.odd.route | "PUT /?*" | cannot be routed beside the routes before it; spell its pattern in another way',
  ]);
});

test("what JSON does not know is shown all the same", () => {
  const round: Record<string, unknown> = {};
  round["again"] = round;
  expect(problemsOf({ services: { predict }, produceTimeoutMs: 7n })[0]).toContain("| 7n |");
  expect(problemsOf({ services: { predict }, workersPlan: round })[0]).toContain("cannot be shown (object)");
});

test("who shares a reply topic agrees on its partitions, and on whether others write there", () => {
  const both = (a: object, b: object) =>
    problemsOf({ services: { a: { ...predict, ...a }, b: { ...predict, route: "POST /b", ...b } } });
  expect(both({ replyPartitions: { own: [3], of: 10 } }, { replyPartitions: { own: [4], of: 10 } })).toEqual([
    'services.b.replyPartitions | {"own":[4],"of":10} | must equal services.a.replyPartitions ({"own":[3],"of":10}), which has the same reply topic',
  ]);
  expect(both({ replyRouting: "shared" }, { replyRouting: "key" })).toEqual([
    'services.b.replyRouting | "key" | must equal services.a.replyRouting ("shared"), which has the same reply topic',
  ]);
  expect(both({ replyRouting: "partition" }, { replyRouting: "key" })).toEqual([]);
});

test("a set of reply partitions does not go with the shared form, nor a tiny one with the key", () => {
  const routed = (replyRouting: string, replyPartitions: unknown) =>
    problemsOf({ services: { a: { ...predict, replyRouting, replyPartitions } } });
  expect(routed("shared", 10)).toEqual([]);
  expect(routed("shared", { own: [3], of: 10 })).toEqual([
    'services.a.replyPartitions | {"own":[3],"of":10} | must be a number with replyRouting "shared", where everybody reads all partitions',
  ]);
  expect(routed("key", { own: [3], of: 100 })).toEqual([]);
  expect(routed("partition", { own: [3], of: 101 })).toEqual([]);
  expect(routed("key", { own: [3], of: 101 }).join()).toContain("must own one in 100 partitions");
  expect(routed("header", 1)).toEqual([
    'services.a.replyRouting | "header" | must be "partition", "key" or "shared"',
  ]);
});

test("what concerns keys and exchanges that are kept has values and ranges of its own", () => {
  const withOptions = (options: object) => problemsOf({ services: { a: { ...predict, ...options } } });
  expect(
    withOptions({ idempotencyKey: "required", clientCorrelationIdAsKey: true, lateReplies: "keep" }),
  ).toEqual([]);
  expect(
    withOptions({
      idempotencyKey: true,
      clientCorrelationIdAsKey: "yes",
      asyncTimeoutMs: 604_800_001,
      retentionMs: 999,
      lateReplies: "stored",
      cancelRecords: 1,
    }),
  ).toEqual([
    'services.a.idempotencyKey | true | must be "optional", "required" or "ignored"',
    'services.a.clientCorrelationIdAsKey | "yes" | must be true or false',
    "services.a.asyncTimeoutMs | 604800001 | must be at most 604800000 ms",
    "services.a.retentionMs | 999 | must be at least 1000 ms",
    'services.a.lateReplies | "stored" | must be "discard" or "keep"',
    "services.a.cancelRecords | 1 | must be true or false",
  ]);
  expect(withOptions({ asyncTimeoutMs: 99, retentionMs: 2_592_000_001 })).toEqual([
    "services.a.asyncTimeoutMs | 99 | must be at least 100 ms",
    "services.a.retentionMs | 2592000001 | must be at most 2592000000 ms",
  ]);
});

test("who does not wait has no less time than who waits, whatever the timeout, and an ignored key has no stand-in", () => {
  const withOptions = (options: object) => problemsOf({ services: { a: { ...predict, ...options } } });
  // The default holds for the longest timeout, too.
  expect(withOptions({ timeoutMs: 300_000 })).toEqual([]);
  expect(withOptions({ timeoutMs: 5_000, asyncTimeoutMs: 5_000 })).toEqual([]);
  expect(withOptions({ idempotencyKey: "ignored" })).toEqual([]);
  expect(
    withOptions({
      timeoutMs: 5_000,
      asyncTimeoutMs: 4_999,
      idempotencyKey: "ignored",
      clientCorrelationIdAsKey: true,
    }),
  ).toEqual([
    "services.a.asyncTimeoutMs | 4999 | must not be shorter than timeoutMs (5000)",
    'services.a.clientCorrelationIdAsKey | true | must be false with idempotencyKey "ignored", where nothing is a key',
  ]);
});

test("a header dialect is one of the table, and only CloudEvents have a type and a source", () => {
  const withDialect = (headerDialect: unknown) =>
    problemsOf({ services: { a: { ...predict, headerDialect } } });
  for (const name of ["native", "spring", "nest", "smallrye", "zilla", "rig", "kafka-hooks", "cloudevents"]) {
    expect(withDialect(name)).toEqual([]);
  }
  const event = { name: "cloudevents", type: "com.example.price.asked", source: "/shop" };
  expect(withDialect(event)).toEqual([]);
  for (const odd of ["Spring", "", 1, { ...event, name: "spring" }, { name: "cloudevents" }]) {
    expect(withDialect(odd)).toEqual([
      `services.a.headerDialect | ${JSON.stringify(odd)} | must be one of native, spring, spring-binary, nest, smallrye, zilla, rig, kafka-hooks, cloudevents, or { name: "cloudevents", type, source } in printable ASCII`,
    ]);
  }
  for (const text of ["", "two words", "line\nbreak", "ü", "x".repeat(257)]) {
    expect(withDialect({ ...event, type: text })).toHaveLength(1);
    expect(withDialect({ ...event, source: text })).toHaveLength(1);
  }
});

test("a dialect of 16 bytes needs UUIDs, and one without a partition cannot lead a reply to some of them", () => {
  const withOptions = (options: object) => problemsOf({ services: { a: { ...predict, ...options } } });
  expect(withOptions({ headerDialect: "spring-binary", correlationIds: "uuid" })).toEqual([]);
  expect(withOptions({ headerDialect: "spring-binary" })).toEqual([
    'services.a.headerDialect | "spring-binary" | must go with correlationIds "uuid": 16 bytes hold no other ID',
  ]);
  const some = { own: [3], of: 10 };
  expect(withOptions({ headerDialect: "smallrye", replyPartitions: some })).toEqual([]);
  expect(withOptions({ headerDialect: "zilla", replyPartitions: 10 })).toEqual([]);
  expect(withOptions({ headerDialect: "zilla", replyPartitions: { own: [1, 0], of: 2 } })).toEqual([]);
  expect(withOptions({ headerDialect: "zilla", replyPartitions: some, replyRouting: "key" })).toEqual([]);
  expect(withOptions({ headerDialect: "zilla", replyPartitions: some })).toEqual([
    'services.a.headerDialect | "zilla" | must name a partition where this deployment owns only some; without it replyRouting must be "key" or "shared"',
  ]);
});

test.each([
  "kafka_correlationid",
  "kafka_replytopic",
  "kafka_nest-err",
  "reply_topic",
  "reply_partition",
  "reply_correlation_id",
  "rig-correlation",
  "rig-response-code",
  "x-plt-kafka-hooks-correlation-id",
  "x-status-code",
  "ce_correlationid",
  "ce_type",
  ":status",
  "zilla:reply-to",
])("a client cannot speak for the gateway in a framework's words: %s is not forwarded", (name) => {
  const problems = problemsOf({ services: { a: { ...predict, forwardHeaders: ["idempotency-key", name] } } });
  expect(problems).not.toEqual([]);
  for (const problem of problems) expect(problem).toContain(`services.a.forwardHeaders.1 | "${name}"`);
});

test("limits may be set one by one, within what the platform takes", () => {
  const limits = { urlBytes: 1_000 };
  expect(defineGateway({ services: { predict }, limits }).limits).toEqual({
    urlBytes: 1_000,
    headerCount: 100,
    headerBytes: 32_768,
  });
  expect(
    problemsOf({ services: { predict }, limits: { urlBytes: 16_385, headerCount: 9, headerBytes: 1e6 } }),
  ).toEqual([
    "limits.urlBytes | 16385 | must be at most 16384 bytes",
    "limits.headerCount | 9 | must be at least 10 headers",
    "limits.headerBytes | 1000000 | must be at most 131072 bytes",
  ]);
});

test("a rate limit has a binding, a number and one of the platform's periods, and each binding one number", () => {
  const rateLimit = { binding: "RATE", limit: 100, periodSeconds: 60 };
  const both = (a: object, b: object) =>
    problemsOf({
      services: { a: { ...predict, rateLimit: a }, b: { ...predict, route: "POST /b", rateLimit: b } },
    });
  expect(both(rateLimit, rateLimit)).toEqual([]);
  expect(both(rateLimit, { binding: "OTHER", limit: 1, periodSeconds: 10 })).toEqual([]);
  expect(both(rateLimit, { ...rateLimit, limit: 99 })).toEqual([
    'services.b.rateLimit | {"binding":"RATE","limit":99,"periodSeconds":60} | must equal services.a.rateLimit ({"binding":"RATE","limit":100,"periodSeconds":60}), which has the same binding',
  ]);
  expect(both({ binding: "my-rate", limit: 0, periodSeconds: 30 }, rateLimit)).toEqual([
    'services.a.rateLimit.binding | "my-rate" | must be named by a letter or _, then letters, digits or _',
    "services.a.rateLimit.limit | 0 | must be at least 1 requests",
    "services.a.rateLimit.periodSeconds | 30 | must be 10 or 60 seconds",
  ]);
});

test("what validates must speak Standard Schema, and have something to look into", () => {
  const schema = v.object({});
  const validating = (route: string, validate: object) =>
    problemsOf({ services: { a: { ...predict, route, validate } } });
  expect(validating("POST /a/:id", { body: schema, query: schema, path: schema, reply: schema })).toEqual([]);
  expect(validating("GET /a", { query: schema, reply: schema })).toEqual([]);
  expect(validating("GET /a", { body: schema, path: schema })).toEqual([
    'services.a.validate.body | "a schema of valibot" | a GET request has no body to look into',
    'services.a.validate.path | "a schema of valibot" | the route "GET /a" has no parameters',
  ]);
  expect(validating("POST /a", { body: { type: "object" }, headers: schema })).toEqual([
    'services.a.validate.body | {"type":"object"} | must be a schema that speaks Standard Schema',
    'services.a.validate.headers | "headers" | is not an option; check its spelling',
  ]);
});

test("pages of other origins are named as browsers name them, and not all of them get credentials", () => {
  const withCors = (cors: unknown) => problemsOf({ services: { a: { ...predict, cors } } });
  expect(withCors({ origins: ["https://app.example", "http://localhost:3000"], credentials: true })).toEqual(
    [],
  );
  expect(withCors({ origins: "*", maxAgeSeconds: 86_400 })).toEqual([]);
  expect(withCors({ origins: "*", credentials: true })).toEqual([
    'services.a.cors.credentials | true | must be false with origins "*": every page could act for whoever looks at it',
  ]);
  for (const origins of [
    [],
    ["https://app.example/"],
    ["app.example"],
    ["null"],
    ["*"],
    "https://app.example",
  ]) {
    expect(withCors({ origins }).join()).toContain('must be "*", or a list of origins');
  }
});

test("two services cannot have one route, whatever they call its parameters", () => {
  const [problem] = problemsOf({
    services: {
      a: { ...predict, route: "GET /basket/:id" },
      b: { ...predict, route: "GET /basket/:user" },
      c: { ...predict, route: "POST /basket/:id" },
    },
  });
  expect(problem).toBe(
    'services.b.route | "GET /basket/:user" | must differ from services.a.route ("GET /basket/:id")',
  );
});

test("an optional parameter makes two routes of one; a trailing slash makes no other route", () => {
  const routes = (a: string, b: string) =>
    problemsOf({ services: { a: { ...predict, route: a }, b: { ...predict, route: b } } });
  expect(routes("GET /basket", "GET /basket/:id?")).toHaveLength(1);
  expect(routes("GET /basket/:id?", "GET /basket/:user")).toHaveLength(1);
  expect(routes("GET /basket", "GET /basket/")).toHaveLength(1);
  expect(routes("GET /basket", "GET /")).toEqual([]);
});

test.each([
  "/requests",
  "/requests/:id/parts/:n",
  "/:tenant/ledger",
  "/:a/:b/:c",
  "/requests/:id",
  "/healthz",
  "/_hearback/x",
  "/metrics",
  "/:anything",
  "/*",
])("a route %s is refused, because it matches a path of the gateway's own", (path) => {
  expect(problemsOf({ services: { a: { ...predict, route: `GET ${path}` } } }).join()).toContain(
    "must not match /",
  );
});

test.each([undefined, null, 7, {}, { services: {} }, { services: [] }])(
  "%j is no config, and says so",
  (input) => {
    expect(problemsOf(input).length).toBeGreaterThan(0);
  },
);

test("declaring a config that breaks rules throws an error that lists them", () => {
  expect(() => defineGateway({ services: { predict: { ...predict, timeoutMs: 1 } } })).toThrow(ConfigError);
});

const jwt = { issuer: "https://issuer", audience: "orders", jwksUrl: "https://issuer/keys" };

test("a caller may prove who it is in several ways, each with its defaults", () => {
  const { services } = defineGateway({
    services: {
      a: {
        ...predict,
        authentication: [
          { apiKeys: "API_KEYS" },
          { jwt },
          { cloudflareAccess: { team: "acme", audience: "aud" } },
        ],
        forwardClaims: ["sub", "email"],
      },
    },
  });
  expect(services[0]).toMatchObject({
    authentication: [
      { apiKeys: "API_KEYS" },
      {
        jwt: {
          ...jwt,
          requiredClaims: {},
          algorithms: ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"],
          clockToleranceSeconds: 5,
        },
      },
      { cloudflareAccess: { team: "acme", audience: "aud" } },
    ],
    forwardClaims: ["sub", "email"],
  });
});

test("a way of proving who one is says what is wrong inside it", () => {
  const withWays = (...authentication: readonly unknown[]) =>
    problemsOf({ services: { a: { ...predict, authentication } } }).map((problem) =>
      problem.replace("services.a.authentication.", ""),
    );
  const oneOf = "must be one of { apiKeys }, { jwt }, { cloudflareAccess }";
  expect(withWays("none", null, {}, { apiKeys: "KEYS", jwt })).toEqual([
    `0 | "none" | ${oneOf}`,
    `1 | null | ${oneOf}`,
    `2 | {} | ${oneOf}`,
    `3 | ${JSON.stringify({ apiKeys: "KEYS", jwt })} | ${oneOf}`,
  ]);
  expect(problemsOf({ services: { a: { ...predict, authentication: { apiKeys: "KEYS" } } } })).toEqual([
    'services.a.authentication | {"apiKeys":"KEYS"} | must be a list of ways',
  ]);
  expect(
    withWays(
      { apiKeys: "hbk_a-key-by-itself" },
      { jwt: { ...jwt, issuer: "api-key", algorithms: ["HS256"], clockToleranceSeconds: 301 } },
      { jwt: { audience: [], jwksUrl: "keys", requiredClaims: { a: null, b: [], c: ["x", 1, true] } } },
      { jwt: { ...jwt, algorithms: ["none"], requiredClaims: ["scope"], secret: "x" } },
      { cloudflareAccess: { team: "acme.cloudflareaccess.com", audience: "" } },
    ),
  ).toEqual([
    '0.apiKeys | "hbk_a-key-by-itself" | must be the name of a secret: A-Z, 0-9 and _',
    '1.jwt.issuer | "api-key" | must not be "api-key", as whose API keys count',
    expect.stringMatching(/^1\.jwt\.algorithms\.0 \| "HS256" \| must be one of RS256, /),
    "1.jwt.clockToleranceSeconds | 301 | must be at most 300 seconds",
    "2.jwt.issuer | undefined | is missing",
    "2.jwt.audience | [] | must have at least one audience",
    '2.jwt.jwksUrl | "keys" | must be an https URL, or an http one on this machine',
    "2.jwt.requiredClaims.a | null | must be a text, a number, true or false, or a list of them",
    "2.jwt.requiredClaims.b | [] | must have at least one value",
    '3.jwt.requiredClaims | ["scope"] | must be an object of claims',
    expect.stringMatching(/^3\.jwt\.algorithms\.0 \| "none" \| must be one of /),
    '3.jwt.secret | "secret" | is not an option; check its spelling',
    '4.cloudflareAccess.team | "acme.cloudflareaccess.com" | must be the team\'s name alone, without its domain',
    '4.cloudflareAccess.audience | "" | must not be empty',
  ]);
});

test.each([
  ["https://issuer/keys", true],
  ["http://127.0.0.1:8080/keys", true],
  ["http://localhost/keys", true],
  ["http://[::1]/keys", true],
  ["http://issuer/keys", false],
  ["http://127.0.0.1.evil/keys", false],
  ["http://localhost@evil/keys", false],
  ["data:application/json,{}", false],
  ["/keys", false],
])("keys at %s may be trusted: %s", (jwksUrl, isSafe) => {
  const authentication = [{ jwt: { ...jwt, jwksUrl } }];
  expect(problemsOf({ services: { a: { ...predict, authentication } } })).toHaveLength(isSafe ? 0 : 1);
});

test.each([
  [[], []],
  [[{ apiKeys: "KEYS" }], ["authorization", "x-api-key"]],
  [[{ jwt }], ["authorization"]],
  [[{ cloudflareAccess: { team: "acme", audience: "aud" } }], ["cf-access-jwt-assertion", "cookie"]],
])(
  "with %j the credentials stay behind: neither forwarded nor a record key are %j",
  (authentication, kept) => {
    const headers = ["authorization", "x-api-key", "cf-access-jwt-assertion", "cookie"];
    const refused = problemsOf({ services: { a: { ...predict, authentication, forwardHeaders: headers } } });
    expect(refused).toEqual(
      headers.flatMap((header, at) =>
        kept.includes(header)
          ? [
              `services.a.forwardHeaders.${at} | "${header}" | must not travel: with this authentication it carries a credential`,
            ]
          : [],
      ),
    );
    for (const header of headers) {
      const recordKey = { header: header.toUpperCase() };
      const problems = problemsOf({ services: { a: { ...predict, authentication, recordKey } } });
      expect(problems).toHaveLength(kept.includes(header) ? 1 : 0);
    }
  },
);

test("claims can travel only where callers have some", () => {
  const withClaims = (forwardClaims: unknown, authentication: unknown = [{ jwt }]) =>
    problemsOf({ services: { a: { ...predict, authentication, forwardClaims } } });
  expect(withClaims(["sub"])).toEqual([]);
  expect(withClaims(["sub"], [])).toEqual([
    'services.a.forwardClaims | ["sub"] | must be empty without authentication, where nobody has claims',
  ]);
  expect(withClaims(["", 7])).toHaveLength(2);
  expect(withClaims(Array.from({ length: 33 }, () => "sub"))).toHaveLength(1);
});

describe("admission", () => {
  const withOptions = (options: object) => problemsOf({ services: { a: { ...predict, ...options } } });
  const settled = (options: object) => {
    const resolved = resolveGateway({ services: { a: { ...predict, ...options } } });
    return resolved.ok ? resolved.config.services[0] : undefined;
  };

  test("what is given of a breaker and a fallback is completed, and a breaker can be left out", () => {
    expect(settled({ breaker: { failures: 2 } })?.breaker).toEqual({
      failures: 2,
      openMs: 10_000,
      probes: 1,
    });
    expect(settled({ breaker: false })?.breaker).toBe(false);
    expect(
      settled({ fallback: { body: { score: 0.5, why: ["none", null, { deep: true }] } } })?.fallback,
    ).toEqual({
      status: 200,
      body: { score: 0.5, why: ["none", null, { deep: true }] },
      onTimeout: false,
    });
  });

  test("its values have ranges of their own", () => {
    expect(withOptions({ capacity: 0, capacityPerPrincipal: 1.5, responderGroup: "" })).toEqual([
      "services.a.capacity | 0 | must be at least 1 requests",
      "services.a.capacityPerPrincipal | 1.5 | must be a whole number of requests",
      'services.a.responderGroup | "" | must not be empty',
    ]);
    expect(withOptions({ breaker: { failures: 0, openMs: 99, probes: 101 } })).toEqual([
      "services.a.breaker.failures | 0 | must be at least 1 failures",
      "services.a.breaker.openMs | 99 | must be at least 100 ms",
      "services.a.breaker.probes | 101 | must be at most 100 requests",
    ]);
    for (const odd of [true, null, { fails: 3 }, { failures: "5" }]) {
      expect(withOptions({ breaker: odd })).toEqual([
        `services.a.breaker | ${JSON.stringify(odd)} | must be false, or an object of failures, openMs and probes, each a whole number`,
      ]);
    }
  });

  test.each([
    ["a list", [1]],
    ["a text", "neutral"],
    ["null", null],
    ["a number that JSON has not", { score: NaN }],
    ["a function", { score: () => 1 }],
    ["a date", { at: new Date(0) }],
    ["nothing", { score: undefined }],
  ])("the body of a fallback is an object of JSON, not %s", (_, body) => {
    expect(withOptions({ fallback: { body } })).toEqual([
      `services.a.fallback.body | ${JSON.stringify(body)} | must be an object of JSON`,
    ]);
  });

  test("a fallback has a body, a status that goes with one, and no word of its own on being one", () => {
    expect(withOptions({ fallback: {} })).toEqual(["services.a.fallback.body | undefined | is missing"]);
    expect(withOptions({ fallback: { body: {}, status: 204 } })).toEqual([
      "services.a.fallback.status | 204 | must be a status that has a body",
    ]);
    expect(withOptions({ fallback: { body: {}, status: 199 } }).join()).toContain("at least 200");
    expect(withOptions({ fallback: { body: { degraded: false } } })).toEqual([
      'services.a.fallback.body | {"degraded":false} | must not have the member degraded, which is added',
    ]);
  });

  test("one principal cannot have more places than there are", () => {
    expect(withOptions({ capacity: 10, capacityPerPrincipal: 10 })).toEqual([]);
    expect(withOptions({ capacity: 10, capacityPerPrincipal: 11 })).toEqual([
      "services.a.capacityPerPrincipal | 11 | must not be more than capacity (10)",
    ]);
  });
});

describe("callbacks", () => {
  const withCallbacks = (callbacks: unknown, more: object = {}) =>
    problemsOf({ services: { a: { ...predict, callbacks, ...more } } });
  const secret = "CALLBACK_SECRET";

  test.each([
    "hooks.example.com",
    "*.example.com",
    "*.hooks.example.com:8443",
    "hooks.example.com:1",
    "xn--bcher-kva.example.com",
  ])("may go to %s", (host) => {
    expect(withCallbacks({ hosts: [host], secret })).toEqual([]);
  });

  test.each([
    "",
    "*",
    "*.com",
    "*.",
    "a.*.example.com",
    "*hooks.example.com",
    "https://hooks.example.com",
    "hooks.example.com/",
    "me@hooks.example.com",
    "hooks.example.com:443",
    "hooks.example.com:0",
    "hooks.example.com:65536",
    "hooks.example.com:",
    "Hooks.example.com",
    "bücher.example.com",
    "hooks.example.com.",
    "kafka",
    "localhost",
    "hooks.localhost",
    "printer.local",
    "metadata.google.internal",
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "2130706433",
    "[::1]",
    "::1",
  ])("may not go to what is no public name: %j", (host) => {
    expect(withCallbacks({ hosts: ["hooks.example.com", host], secret })).toEqual([
      `services.a.callbacks.hosts.1 | ${JSON.stringify(host)} | must be a public name in lower case, such as "hooks.example.com", "*.example.com" or "hooks.example.com:8443"`,
    ]);
  });

  test("need a host, and the name of a secret", () => {
    expect(withCallbacks({ hosts: [], secret: "whsec_c2VjcmV0" })).toEqual([
      "services.a.callbacks.hosts | [] | must have at least one host",
      'services.a.callbacks.secret | "whsec_c2VjcmV0" | must be the name of a secret: A-Z, 0-9 and _',
    ]);
    expect(withCallbacks({})).toEqual([
      "services.a.callbacks.hosts | undefined | is missing",
      "services.a.callbacks.secret | undefined | is missing",
    ]);
  });

  test("stay with the gateway: their URL is neither forwarded nor a record key", () => {
    const rule = "is for the gateway and never travels: it names the webhook that the gateway calls";
    const travelling = {
      forwardHeaders: ["accept", "x-callback-url"],
      recordKey: { header: "X-Callback-URL" },
    };
    expect(withCallbacks({ hosts: ["hooks.example.com"], secret }, travelling)).toEqual([
      `services.a.forwardHeaders.1 | "x-callback-url" | ${rule}`,
      `services.a.recordKey.header | "x-callback-url" | ${rule}`,
    ]);
  });
});

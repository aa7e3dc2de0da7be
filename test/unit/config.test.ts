// The config check: every problem at once, each with name, received value and rule.

import { expect, test } from "vitest";
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
        idempotencyKey: "optional",
        clientCorrelationIdAsKey: false,
        asyncTimeoutMs: 300_000,
        retentionMs: 86_400_000,
        lateReplies: "discard",
        cancelRecords: false,
      },
    ],
    produceTimeoutMs: 3_000,
    workersPlan: "free",
    drainLocation: undefined,
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

test("an optional parameter makes two routes of one; a trailing slash makes another route", () => {
  const routes = (a: string, b: string) =>
    problemsOf({ services: { a: { ...predict, route: a }, b: { ...predict, route: b } } });
  expect(routes("GET /basket", "GET /basket/:id?")).toHaveLength(1);
  expect(routes("GET /basket/:id?", "GET /basket/:user")).toHaveLength(1);
  expect(routes("GET /basket", "GET /basket/")).toEqual([]);
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

// Any config is resolved, or has problems.

import * as fc from "fast-check";
import { Hono } from "hono";
import { resolveGateway } from "../../worker/config.ts";
import type { Property } from "../support/fuzz-seed.ts";
import { anything, holds, text } from "./words.ts";

const routeParts = fc.constantFrom(
  "/",
  ":",
  "id",
  ":id",
  "*",
  "?",
  "{",
  "}",
  "{[0-9]+}",
  "{[}",
  "(",
  ")",
  "[",
  "]",
  "\\",
  "+",
  ".",
  "..",
  "%2e",
  "requests",
  "_hearback",
  "a",
);
const route = fc
  .tuple(fc.constantFrom("GET", "POST", "PUT"), fc.array(routeParts, { maxLength: 8 }))
  .map(([method, parts]) => `${method} /${parts.join("")}`);
const validService = {
  route: "POST /a/:id",
  requestTopic: "q",
  replyTopic: "r",
  recordKey: { path: "id" },
  forwardHeaders: ["x-a"],
  replyPartitions: { own: [0], of: 3 },
  callbacks: { hosts: ["*.example.com"], secret: "SECRET" },
};
const validConfig = {
  services: { a: validService, b: { ...validService, route: "GET /b", recordKey: { query: "q" } } },
  produceTimeoutMs: 500,
};

/** Paths to every member, and some that are not there. */
function pathsOf(value: unknown, prefix: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [prefix];
  return [prefix, ...Object.entries(value).flatMap(([key, member]) => pathsOf(member, [...prefix, key]))];
}

function replaced(value: unknown, [first, ...rest]: readonly string[], by: unknown): unknown {
  if (first === undefined) return by;
  if (Array.isArray(value))
    return value.map((each: unknown, at) => (String(at) === first ? replaced(each, rest, by) : each));
  const members = value as Readonly<Record<string, unknown>>;
  return { ...members, [first]: replaced(members[first], rest, by) };
}

const options = [
  "timeoutMs",
  "bodyLimitBytes",
  "correlationIds",
  "idempotencyKey",
  "clientCorrelationIdAsKey",
  "asyncTimeoutMs",
  "retentionMs",
  "lateReplies",
  "cancelRecords",
  "replyRouting",
  "nonsense",
];
const configPath = fc.constantFrom(
  ...pathsOf(validConfig),
  ...options.map((option) => ["services", "a", option]),
  ["workersPlan"],
  ["drainLocation"],
);
const mutatedConfig = fc
  .array(fc.tuple(configPath, fc.oneof(anything, text, route, fc.double(), fc.integer())), {
    minLength: 1,
    maxLength: 3,
  })
  .map((changes) =>
    changes.reduce<unknown>((config, [path, by]) => {
      try {
        return replaced(config, path, by);
      } catch {
        // An earlier change took away what this one would change.
        return config;
      }
    }, validConfig),
  );

function isResolved(input: unknown): boolean {
  const resolved = resolveGateway(input);
  if (resolved.ok) return resolved.config.services.length > 0;
  const isProblem = ({ option, received, rule }: { option: string; received: string; rule: string }) =>
    [option, received, rule].every((said) => typeof said === "string") && rule !== "";
  return resolved.problems.length > 0 && resolved.problems.every(isProblem);
}

/** What is a config can be routed by. */
async function canBeRouted(input: unknown): Promise<boolean> {
  const resolved = resolveGateway(input);
  if (!resolved.ok) return true;
  const app = new Hono();
  for (const { method, path } of resolved.config.services) app.on(method, path, (c) => c.text("found"));
  const answers = await Promise.all(["/", "/a", "/a/b", "/requests"].map(async (path) => app.request(path)));
  return answers.every(({ status }) => status === 200 || status === 404);
}

export const config: readonly Property[] = [
  holds("a config of anything is resolved, or has problems", anything, isResolved),
  holds(
    "a config that was right, with anything in some places, is resolved or has problems",
    mutatedConfig,
    isResolved,
  ),
  holds(
    "a config with any routes that are accepted can be routed by",
    fc.tuple(route, route).map(([a, b]) => ({
      services: {
        a: { route: a, requestTopic: "q", replyTopic: "r" },
        b: { route: b, requestTopic: "q", replyTopic: "r" },
      },
    })),
    canBeRouted,
  ),
];

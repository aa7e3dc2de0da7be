// What the gateway's environment must have, for the config that it has.

import { expect, test } from "vitest";
import { defineGateway } from "../../worker/config.ts";
import { environmentProblems, type GatewayEnv } from "../../worker/env.ts";

const complete = {
  WAITER: {},
  REPLY_DRAIN: {},
  UPSTASH_KAFKA_REST_URL: "https://kafka.test",
  UPSTASH_KAFKA_REST_USERNAME: "u",
  UPSTASH_KAFKA_REST_PASSWORD: "p",
} as unknown as Partial<GatewayEnv>;

const config = defineGateway({
  services: {
    predict: {
      route: "POST /predict",
      requestTopic: "requests",
      replyTopic: "replies",
      rateLimit: { binding: "PREDICT_RATE", limit: 100, periodSeconds: 60 },
    },
  },
});

test.each([
  ["is there", { PREDICT_RATE: { limit: async () => ({ success: true }) } }, []],
  [
    "is not there",
    {},
    [expect.stringContaining("binding PREDICT_RATE, which services.predict.rateLimit names, is missing")],
  ],
  ["is another one", { PREDICT_RATE: "a variable" }, [expect.stringContaining("[[ratelimits]]")]],
])("a rate limit needs its binding: one that %s", (_, env, problems) => {
  expect(environmentProblems({ ...complete, ...env }, config)).toEqual(problems);
});

const good = `whsec_${"c2VjcmV0".repeat(4)}`;

test.each([
  ["that is there", { HOOKS: good }, []],
  ["that are two", { HOOKS: `${good} ${good}` }, []],
  ["that is not there", {}, ["HOOKS is not set, which signs callbacks"]],
  ["that is empty", { HOOKS: "" }, ["HOOKS is not set, which signs callbacks"]],
  [
    "that is too short",
    { HOOKS: "whsec_c2VjcmV0" },
    [expect.stringMatching(/^HOOKS: must be one or several/)],
  ],
  ["of which one is too short", { HOOKS: `${good} whsec_c2VjcmV0` }, [expect.not.stringContaining("c2Vj")]],
])("callbacks need a secret: one %s", (_, env, problems) => {
  const callbacks = { hosts: ["hooks.example.com"], secret: "HOOKS" };
  const service = { requestTopic: "requests", replyTopic: "replies", callbacks };
  const called = defineGateway({
    services: { a: { ...service, route: "POST /a" }, b: { ...service, route: "POST /b" } },
  });
  expect(environmentProblems({ ...complete, ...env }, called)).toEqual(problems);
});

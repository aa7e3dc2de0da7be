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

// What `npm run check-config` shows of a config, and where it disagrees with the Wrangler configuration.

import { expect, test } from "vitest";
import * as v from "valibot";
import { rateLimitMismatches } from "../../dev/rate-limit-bindings.ts";
import { defineGateway, type ServiceOptions } from "../../worker/config.ts";
import { showAll } from "../../worker/config/show.ts";

const predict = { route: "POST /predict", requestTopic: "requests", replyTopic: "replies" };
const gateway = (options: Partial<ServiceOptions>) =>
  defineGateway({ services: { predict: { ...predict, ...options } } });

test("a rate limit must say what its binding says", () => {
  const config = gateway({ rateLimit: { binding: "RATE", limit: 100, periodSeconds: 60 } });
  const mismatches = (name: string, limit: number, period: number) =>
    rateLimitMismatches(config, [{ name, simple: { limit, period } }], "wrangler.toml");
  expect(mismatches("RATE", 100, 60)).toEqual([]);
  expect(mismatches("OTHER", 100, 60)).toEqual([
    "services.predict.rateLimit: wrangler.toml has no [[ratelimits]] named RATE",
  ]);
  expect([mismatches("RATE", 99, 60), mismatches("RATE", 100, 10)]).toEqual([
    ["services.predict.rateLimit: received 100 in 60 s; wrangler.toml has 99 in 60 s for RATE"],
    ["services.predict.rateLimit: received 100 in 60 s; wrangler.toml has 100 in 10 s for RATE"],
  ]);
  expect(rateLimitMismatches(gateway({}), [], "wrangler.toml")).toEqual([]);
});

test("a config with schemas can be shown, also where they go round in circles or are functions", () => {
  const round: Record<string, unknown> = {};
  round["self"] = round;
  const standard = { version: 1, vendor: "round", validate: (value: unknown) => ({ value }) } as const;
  const shown = JSON.parse(
    showAll(
      gateway({
        validate: {
          body: v.object({ a: v.string() }),
          query: Object.assign(() => undefined, { "~standard": standard }),
          reply: { ...round, "~standard": standard },
        },
      }),
    ),
  ) as { services: object[]; drainLocation: null };
  expect(shown.services).toMatchObject([
    { validate: { body: "a schema of valibot", query: "a schema of round", reply: "a schema of round" } },
  ]);
  expect(shown.drainLocation).toBeNull();
});

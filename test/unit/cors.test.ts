// Whose pages may read which answers, where routes overlap. What browsers are told is shown over HTTP in
// test/loop/guards.test.ts.

import { expect, test } from "vitest";
import { defineGateway, type ServiceOptions } from "../../worker/config.ts";
import { createCors } from "../../worker/http/cors.ts";

const service = (route: string, cors?: ServiceOptions["cors"]): ServiceOptions => ({
  route,
  requestTopic: "requests",
  replyTopic: "replies",
  ...(cors === undefined ? {} : { cors }),
});

test("of overlapping routes the one that is asked counts: the first", () => {
  const { isPublic } = createCors(
    defineGateway({
      services: {
        all: service("GET /things/:id"),
        special: service("GET /things/special", { origins: "*" }),
        other: service("PUT /things/special", { origins: "*" }),
      },
    }),
  );
  expect([isPublic("/things/special", "GET"), isPublic("/things/special", "HEAD")]).toEqual([false, false]);
  expect(isPublic("/things/special", "PUT")).toBe(true);
});

test("what becomes of a request is public where any service is, and nothing is without one", () => {
  const publicRequests = (cors?: ServiceOptions["cors"]) =>
    createCors(defineGateway({ services: { a: service("POST /a"), b: service("POST /b", cors) } })).isPublic(
      "/requests/1",
      "GET",
    );
  expect(publicRequests({ origins: "*" })).toBe(true);
  expect(publicRequests({ origins: ["https://app.example"] })).toBe(false);
  expect(publicRequests()).toBe(false);
});

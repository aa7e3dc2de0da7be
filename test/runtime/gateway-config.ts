// The services of the runtime tests: one of each kind that the gateway treats differently.

import * as v from "valibot";
import { defineGateway } from "../../worker/config.ts";

export default defineGateway({
  produceTimeoutMs: 250,
  services: {
    echo: {
      route: "POST /echo",
      requestTopic: "echo.requests",
      replyTopic: "replies",
      timeoutMs: 2_000,
      bodyLimitBytes: 1_000,
      replyPartitions: 3,
    },
    quick: {
      route: "POST /quick",
      requestTopic: "quick.requests",
      replyTopic: "replies",
      timeoutMs: 300,
      replyPartitions: 3,
      // Its requests are made to expire.
      breaker: false,
    },
    basket: {
      route: "GET /basket/:id",
      requestTopic: "basket.requests",
      replyTopic: "replies",
      timeoutMs: 2_000,
      replyPartitions: 3,
      recordKey: { path: "id" },
      forwardHeaders: ["accept-language"],
    },
    order: {
      route: "POST /orders",
      requestTopic: "order.requests",
      replyTopic: "replies",
      replyPartitions: 3,
      timeoutMs: 2_000,
      recordKey: { body: "/customer/id" },
    },
    durable: {
      route: "POST /durable",
      requestTopic: "durable.requests",
      replyTopic: "durable.replies",
      timeoutMs: 5_000,
      asyncTimeoutMs: 10_000,
      cancelRecords: true,
    },
    brief: {
      route: "POST /brief",
      requestTopic: "brief.requests",
      replyTopic: "durable.replies",
      timeoutMs: 300,
      asyncTimeoutMs: 300,
      // Its requests are made to expire.
      breaker: false,
    },
    strict: {
      route: "POST /strict",
      requestTopic: "strict.requests",
      replyTopic: "durable.replies",
      timeoutMs: 2_000,
      idempotencyKey: "required",
      clientCorrelationIdAsKey: true,
    },
    kept: {
      route: "POST /kept",
      requestTopic: "kept.requests",
      replyTopic: "durable.replies",
      timeoutMs: 300,
      lateReplies: "keep",
      // Its requests are made to expire.
      breaker: false,
    },
    identified: {
      route: "POST /uuid",
      requestTopic: "uuid.requests",
      replyTopic: "uuid.replies",
      timeoutMs: 2_000,
      correlationIds: "uuid",
    },
    called: {
      route: "POST /called",
      requestTopic: "called.requests",
      replyTopic: "durable.replies",
      timeoutMs: 1_000,
      asyncTimeoutMs: 60_000,
      retentionMs: 172_800_000,
      callbacks: { hosts: ["hooks.example.com"], secret: "CALLBACK_SECRET" },
      // Some of its requests are made to expire.
      breaker: false,
    },
    calledBriefly: {
      route: "POST /called-briefly",
      requestTopic: "called.requests",
      replyTopic: "durable.replies",
      timeoutMs: 1_000,
      retentionMs: 1_000,
      callbacks: { hosts: ["hooks.example.com"], secret: "CALLBACK_SECRET" },
    },
    calledIfValid: {
      route: "POST /called-if-valid",
      requestTopic: "called.requests",
      replyTopic: "durable.replies",
      timeoutMs: 1_000,
      callbacks: { hosts: ["hooks.example.com"], secret: "CALLBACK_SECRET" },
      validate: { reply: v.object({ id: v.string() }) },
    },
  },
});

// A responder of a chaos run, as a process: answers each call with a nonce that is fresh each time that it works, after
// a while. Brokers and name come from the environment, as those of the examples do.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { runResponder } from "../../examples/support/run-responder.ts";
import { replyTopic, requestTopic } from "./gateway/services.ts";
import type { ReplyBody } from "./journal.ts";

/** Most are answered while they are held; one in ten takes so long that its caller is parked. */
const usualMs = 1_500;
const longMs = 4_000;
const shareOfLong = 0.1;

await runResponder({
  topic: requestTopic,
  replyTopics: [replyTopic],
  concurrency: 1_000,
  async handler(request) {
    await sleep(Math.random() * (Math.random() < shareOfLong ? longMs : usualMs));
    const { call } = request.json<{ readonly call: string }>();
    // Only the gateway sets it: who was asked for is in the answer.
    const { sub } = JSON.parse(request.header("X-Principal") ?? "{}") as { readonly sub?: string };
    const reply: ReplyBody = { call, principal: sub ?? "", nonce: randomUUID() };
    return { json: reply };
  },
});

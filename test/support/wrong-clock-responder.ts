// A responder whose handler takes 0.3 s, and gives up when its signal says that nobody waits any more.

import { setTimeout as pause } from "node:timers/promises";
import { runResponder } from "../../examples/support/run-responder.ts";

await runResponder({
  topic: "inference.requests.v1",
  replyTopics: ["inference.replies.*"],
  async handler(request, { signal }) {
    await pause(300, undefined, { signal });
    return { json: request.json() };
  },
});

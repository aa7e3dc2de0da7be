// Answers `POST /predict`: a model behind a request topic. Prints its counts when it is stopped.

import { runResponder } from "../support/run-responder.ts";
import { handlePredict } from "./handler.ts";

await runResponder({
  topic: "inference.requests.v1",
  replyTopics: ["inference.replies.*"],
  handler: handlePredict,
});

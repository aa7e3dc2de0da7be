// The services of this gateway: which route asks which topic. `npm run check-config` prints it resolved.

import { defineGateway } from "./worker/config.ts";

export default defineGateway({
  services: {
    predict: {
      route: "POST /predict",
      requestTopic: "inference.requests.v1",
      replyTopic: "inference.replies.v1",
      replyPartitions: 3,
      timeoutMs: 5_000,
    },
  },
});

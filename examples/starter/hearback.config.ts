import { defineGateway } from "hearback";

export default defineGateway({
  services: {
    hello: { route: "POST /hello", requestTopic: "hello.requests", replyTopic: "hello.replies" },
  },
});

// The services of this gateway: which route asks which topic. `npm run check-config` prints it resolved.

import { defineGateway } from "./worker/config.ts";

/** One reply topic for all services of the shop. */
const shop = { replyTopic: "shop.replies.v1", replyPartitions: 3, timeoutMs: 5_000 } as const;

export default defineGateway({
  services: {
    predict: {
      route: "POST /predict",
      requestTopic: "inference.requests.v1",
      replyTopic: "inference.replies.v1",
      replyPartitions: 3,
      timeoutMs: 5_000,
    },
    orders: { ...shop, route: "POST /orders", requestTopic: "orders.requests.v1" },
    basket: {
      ...shop,
      route: "GET /basket/:id",
      requestTopic: "baskets.requests.v1",
      recordKey: { path: "id" },
    },
    putBasket: {
      ...shop,
      route: "PUT /basket/:id",
      requestTopic: "baskets.requests.v1",
      recordKey: { path: "id" },
    },
    customer: {
      ...shop,
      route: "GET /customer/:id",
      requestTopic: "customers.requests.v1",
      recordKey: { path: "id" },
    },
  },
});

// The three services of the shop, each with a request topic and a consumer group of its own. Names on the command
// line choose among them, so that each can also be a process of its own.

import { runResponder } from "../support/run-responder.ts";
import { createBasketHandler } from "./baskets.ts";
import { handleCustomer } from "./customers.ts";
import { handleOrder, orderSchema } from "./orders.ts";

const replyTopics = ["shop.replies.*"];

const services = {
  orders: () =>
    runResponder({ topic: "orders.requests.v1", replyTopics, input: orderSchema, handler: handleOrder }),
  baskets: () =>
    runResponder({ topic: "baskets.requests.v1", replyTopics, order: "key", handler: createBasketHandler() }),
  customers: () => runResponder({ topic: "customers.requests.v1", replyTopics, handler: handleCustomer }),
};

const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !Object.hasOwn(services, name));
if (unknown !== undefined) {
  console.error(`There is no service ${unknown}: ${Object.keys(services).join(", ")}`);
  process.exit(1);
}
const running = Object.entries(services).filter(([name]) => chosen.length === 0 || chosen.includes(name));
await Promise.all(running.map(([, run]) => run()));

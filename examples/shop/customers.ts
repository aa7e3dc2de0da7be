// The customer service: who a customer is. It knows three.

import type { Handler } from "../../responder/index.ts";

const customers = new Map(
  [
    { id: "ada", name: "Ada Lovelace", city: "London" },
    { id: "grace", name: "Grace Hopper", city: "New York" },
    { id: "kurt", name: "Kurt Gödel", city: "Brünn" },
  ].map((customer) => [customer.id, customer]),
);

export const handleCustomer: Handler = (request, context) => {
  const id = request.key ?? "";
  const customer = customers.get(id);
  if (customer === undefined) return context.fail(404, "customer_unknown", `there is no customer ${id}`);
  return { json: customer };
};

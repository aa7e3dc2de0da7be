// The order service: validates an order and creates it. Everything that is wrong with one is said at once.

import * as v from "valibot";
import type { HandlerReply, RequestMessage } from "../../responder/index.ts";

const id = v.pipe(v.string("a text is needed"), v.minLength(1, "must not be empty"));

export const orderSchema = v.object({
  customerId: id,
  items: v.pipe(
    v.array(
      v.object({
        sku: id,
        quantity: v.pipe(
          v.number("a number is needed"),
          v.integer("must be whole"),
          v.minValue(1, "must be at least 1"),
        ),
        priceCents: v.pipe(
          v.number("a number is needed"),
          v.integer("must be whole"),
          v.minValue(0, "must not be negative"),
        ),
      }),
      "a list is needed",
    ),
    v.minLength(1, "must not be empty"),
  ),
});
type OrderInput = v.InferOutput<typeof orderSchema>;

export interface Order extends OrderInput {
  readonly orderId: string;
  readonly status: "VALIDATED";
  readonly totalCents: number;
}

/** The correlation ID names the order: asked twice by the same request, it is the same order. */
export function createOrder(input: OrderInput, correlationId: string): Order {
  const totalCents = input.items.reduce((sum, { quantity, priceCents }) => sum + quantity * priceCents, 0);
  return { orderId: `order-${correlationId.slice(0, 12)}`, status: "VALIDATED", ...input, totalCents };
}

export function handleOrder({ input, correlationId }: RequestMessage<OrderInput>): HandlerReply {
  return { status: 201, json: createOrder(input, correlationId) };
}

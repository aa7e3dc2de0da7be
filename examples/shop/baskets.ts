// The basket service: shows a basket and puts things into it. Baskets are in memory: records of one basket have its
// ID as their key, so that one instance sees all of them, in order.

import * as v from "valibot";
import type { Handler, HandlerReply, RequestMessage } from "../../responder/index.ts";

const basketSchema = v.object({
  items: v.array(v.object({ sku: v.string(), quantity: v.pipe(v.number(), v.integer(), v.minValue(1)) })),
});
type Basket = v.InferOutput<typeof basketSchema>;

/** Of one instance. */
export function createBasketHandler(): Handler {
  const baskets = new Map<string, Basket>();

  function put(id: string, request: RequestMessage): HandlerReply {
    const parsed = v.safeParse(basketSchema, request.json());
    if (!parsed.success) {
      const issues = parsed.issues.map((issue) => ({ path: v.getDotPath(issue), message: issue.message }));
      return { status: 422, json: { issues } };
    }
    baskets.set(id, parsed.output);
    return { json: { id, ...parsed.output } };
  }

  return (request, context) => {
    const id = request.key ?? "";
    if (request.method === "PUT") return put(id, request);
    const basket = baskets.get(id);
    if (basket === undefined) return context.fail(404, "basket_unknown", `there is no basket ${id}`);
    return { json: { id, ...basket } };
  };
}

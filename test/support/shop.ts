// The calls of the shop, as its README section shows them, against a gateway that runs.

import { expect, test } from "vitest";
import { postJson } from "./loop.ts";

async function answerOf(response: Promise<Response>): Promise<[number, unknown]> {
  const { status, ...rest } = await response.then(async (each) => ({
    status: each.status,
    body: await each.json(),
  }));
  return [status, rest.body];
}

export function putJson(url: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

export function shopCases(gatewayUrl: () => string): void {
  test("[B3] the shop creates a valid order, and refuses an invalid one with all that is wrong", async () => {
    const order = { customerId: "ada", items: [{ sku: "tea", quantity: 2, priceCents: 450 }] };
    expect(await answerOf(postJson(`${gatewayUrl()}/orders`, order))).toEqual([
      201,
      {
        orderId: expect.stringMatching(/^order-[0-9a-f]{12}$/),
        status: "VALIDATED",
        ...order,
        totalCents: 900,
      },
    ]);
    const bad = { items: [{ sku: "tea", quantity: 0, priceCents: 450 }] };
    expect(await answerOf(postJson(`${gatewayUrl()}/orders`, bad))).toMatchObject([
      422,
      { code: "body_invalid", issues: [{ path: "customerId" }, { path: "items.0.quantity" }] },
    ]);
  });

  test("[B3] the shop shows in a basket what was put there", async () => {
    const url = `${gatewayUrl()}/basket/b-${Date.now()}`;
    expect(await answerOf(fetch(url))).toMatchObject([404, { code: "basket_unknown" }]);
    const items = [{ sku: "tea", quantity: 2 }];
    expect((await putJson(url, { items })).status).toBe(200);
    expect(await answerOf(fetch(url))).toMatchObject([200, { items }]);
  });

  test("the shop knows its customers, and says whom it does not know", async () => {
    expect(await answerOf(fetch(`${gatewayUrl()}/customer/ada`))).toMatchObject([
      200,
      { name: "Ada Lovelace" },
    ]);
    expect(await answerOf(fetch(`${gatewayUrl()}/customer/nobody`))).toMatchObject([
      404,
      { code: "customer_unknown" },
    ]);
  });
}

// What a caller may do, as an interface that routes ask. Who the caller is, is decided in credentials.ts.

import { forbidden, type Problem } from "./answer.ts";

export interface Access {
  mayProduce(topic: string): boolean;
  /** Reading, and all that belongs to it: offsets, groups, the list of topics. */
  mayConsume(topic: string): boolean;
}

export const fullAccess: Access = { mayProduce: () => true, mayConsume: () => true };

/** The first topic that may not be consumed, as a problem. */
export function findForbidden(
  access: Access,
  places: readonly { readonly topic: string }[],
): Problem | undefined {
  const withheld = places.find(({ topic }) => !access.mayConsume(topic));
  return withheld === undefined ? undefined : forbidden(withheld.topic);
}

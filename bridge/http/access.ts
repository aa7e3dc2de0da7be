// What a caller may do, as an interface that routes ask. Who the caller is, is decided in credentials.ts.

export interface Access {
  mayProduce(topic: string): boolean;
  /** Reading, and all that belongs to it: offsets, groups, the list of topics. */
  mayConsume(topic: string): boolean;
}

export const fullAccess: Access = { mayProduce: () => true, mayConsume: () => true };

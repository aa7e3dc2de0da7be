// The row of a durable exchange (docs/storage.md), as far as broken waiters read or change it.

export const exchangeKey = "exchange";

export interface StoredRow {
  readonly exchange: {
    readonly principal: string;
    readonly end?: { readonly status: string; readonly source?: string };
  };
  readonly reply?: object;
}

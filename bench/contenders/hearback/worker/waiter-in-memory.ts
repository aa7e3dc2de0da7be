// A waiter whose object has its storage in memory. workerd gives such an object no SQLite, and so no synchronous rows;
// they are kept in a map here, and are gone with the object, which is evicted when it is idle for 10 s. That is enough
// for plain waits of less than that; a durable exchange would be forgotten.

import { Waiter } from "../../../../worker/library.ts";

export class WaiterInMemory extends Waiter {
  constructor(ctx: DurableObjectState, env: object) {
    giveRows(ctx.storage);
    super(ctx, env);
  }
}

/** What a waiter uses of the synchronous rows. */
type Rows = Pick<DurableObjectStorage["kv"], "get" | "put" | "delete" | "list">;

/** To the object that its owner holds, from which also everything else is cleared. */
function giveRows(storage: DurableObjectStorage): void {
  const rows = new Map<string, unknown>();
  const kv: Rows = {
    get: <T>(key: string) => rows.get(key) as T | undefined,
    put: (key, value) => void rows.set(key, value),
    delete: (key) => rows.delete(key),
    list: <T>({ limit = Infinity }: SyncKvListOptions = {}) => [...rows].slice(0, limit) as [string, T][],
  };
  const deleteAll = storage.deleteAll.bind(storage);
  Object.defineProperties(storage, {
    kv: { value: kv },
    deleteAll: {
      value: () => {
        rows.clear();
        return deleteAll();
      },
    },
  });
}

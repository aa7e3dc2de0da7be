// The rows of a durable exchange: the only file that knows their keys and shapes (docs/storage.md). What they mean is
// decided in exchange.ts.

import type { Reply } from "../protocol/index.ts";
import type { Callback } from "./callback.ts";
import type { ToldReply } from "./callback-message.ts";
import type { Exchange } from "./exchange.ts";

/** Of the row `exchange`. A row of another version is not read: its exchange counts as gone. */
const version = 1;
const exchangeKey = "exchange";
/** Of the row `callback`. One of another version counts as none: what it tells is told again, under the same ID. */
const callbackVersion = 1;
const callbackKey = "callback";
const bodyPartKey = (part: number): string => `body/${part}`;

/** A larger body has rows of its own: a stored value may have 2 MB, and the exchange's row is written again. */
const maxInlineBytes = 256 * 1024;
const maxPartBytes = 1024 * 1024;

interface Row {
  readonly version: number;
  readonly exchange: Exchange;
  readonly reply?: Omit<Reply, "body"> & { readonly body?: Uint8Array; readonly parts: number };
}

/** A row of its own: that of an exchange has the reply in it, and is written as seldom as possible. */
interface CallbackRow {
  readonly version: number;
  readonly callback: Callback;
}

export class ExchangeStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** `unreadable`: of a version that this code does not know; a deploy that does may come back. */
  load(): Exchange | "unreadable" | undefined {
    const row = this.#storage.kv.get<Row>(exchangeKey);
    if (row === undefined) return undefined;
    return row.version === version ? row.exchange : "unreadable";
  }

  /** Read each time it is asked for: kept in memory, replies of many objects would fill the isolate they share. */
  loadReply(): Reply | undefined {
    const row = this.#storage.kv.get<Row>(exchangeKey);
    return row?.version === version && row.reply !== undefined ? this.#replyOf(row.reply) : undefined;
  }

  /** The reply as a callback tells it: without a body that has rows of its own. */
  loadToldReply(): ToldReply | undefined {
    const row = this.#storage.kv.get<Row>(exchangeKey);
    return row?.version === version ? row.reply : undefined;
  }

  loadCallback(): Callback | undefined {
    const row = this.#storage.kv.get<CallbackRow>(callbackKey);
    return row?.version === callbackVersion ? row.callback : undefined;
  }

  saveCallback(callback: Callback | undefined): void {
    if (callback === undefined) this.#storage.kv.delete(callbackKey);
    else this.#storage.kv.put<CallbackRow>(callbackKey, { version: callbackVersion, callback });
  }

  /**
   * All writes of one call are one: after a crash either all are there or none. Without a reply none is kept: what is
   * answered is not saved again.
   */
  save(exchange: Exchange, reply: Reply | undefined): void {
    if (reply === undefined) {
      this.#put({ version, exchange });
      return;
    }
    const { body, ...head } = reply;
    if (body.byteLength <= maxInlineBytes) {
      this.#put({ version, exchange, reply: { ...head, body, parts: 0 } });
      return;
    }
    const parts = Math.ceil(body.byteLength / maxPartBytes);
    for (let part = 0; part < parts; part++) {
      const bytes = body.slice(part * maxPartBytes, (part + 1) * maxPartBytes);
      this.#storage.kv.put(bodyPartKey(part), bytes);
    }
    this.#put({ version, exchange, reply: { ...head, parts } });
  }

  /** Every row, and the alarm with them. */
  forget(): Promise<void> {
    return this.#storage.deleteAll();
  }

  #put(row: Row): void {
    this.#storage.kv.put<Row>(exchangeKey, row);
  }

  #replyOf({ body, parts, ...head }: NonNullable<Row["reply"]>): Reply {
    if (body !== undefined) return { ...head, body };
    const read = Array.from({ length: parts }, (_, part) =>
      this.#storage.kv.get<Uint8Array>(bodyPartKey(part)),
    );
    const whole = new Uint8Array(read.reduce((sum, bytes) => sum + (bytes?.byteLength ?? 0), 0));
    let at = 0;
    for (const bytes of read) {
      if (bytes === undefined) throw new Error("a part of a stored reply is missing");
      whole.set(bytes, at);
      at += bytes.byteLength;
    }
    return { ...head, body: whole };
  }
}

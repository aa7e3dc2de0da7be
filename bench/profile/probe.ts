// Loaded before the bridge or the responder (`--import`): says when a record of the bench passes, without a line in
// what is shipped. Both Node's HTTP server and the Kafka client tell their steps on diagnostics channels.

import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { markLine } from "./marks.ts";

const produced = new AsyncLocalStorage<number>();
const now = (): number => performance.timeOrigin + performance.now();

/** Of a question and of its answer; undefined for what is neither. */
function idOf(value: Buffer | undefined | null): string | undefined {
  return /^\{"id":"([\w-]+)"/.exec(value?.subarray(0, 100).toString() ?? "")?.[1];
}

/** Printed later: what is timed is not to wait for it. */
let lines: string[] = [];
setInterval(() => {
  if (lines.length > 0) process.stderr.write(lines.join(""));
  lines = [];
}, 200).unref();

function mark(step: string, id: string | undefined, at: number): void {
  if (id !== undefined) lines.push(`${markLine({ step, id, at })}\n`);
}

interface Sending {
  readonly options: { readonly messages: readonly { readonly value?: Buffer }[] };
}
interface Fetching {
  readonly result?: {
    readonly responses: readonly {
      readonly partitions: readonly {
        readonly records?: readonly { readonly records: readonly { readonly value: Buffer | null }[] }[];
      }[];
    }[];
  };
}

/** Read, and not yet told to who polls. */
let unpolled: string[] = [];

subscribe("http.server.request.start", (message) => {
  const { request } = message as { readonly request: IncomingMessage };
  if (request.url === "/hearback/produce") produced.enterWith(now());
});
subscribe("http.server.response.finish", (message) => {
  const { request } = message as { readonly request: IncomingMessage };
  if (request.url !== "/hearback/fetch") return;
  const at = now();
  for (const id of unpolled) mark("polled", id, at);
  unpolled = [];
});
subscribe("tracing:plt:kafka:producer:sends:start", (message) => {
  const at = now();
  const cameAt = produced.getStore();
  for (const { value } of (message as Sending).options.messages) {
    if (cameAt !== undefined) mark("came", idOf(value), cameAt);
    mark("sent", idOf(value), at);
  }
});
subscribe("tracing:plt:kafka:producer:sends:asyncStart", (message) => {
  const at = now();
  for (const { value } of (message as Sending).options.messages) mark("acked", idOf(value), at);
});
subscribe("tracing:plt:kafka:consumer:fetches:asyncStart", (message) => {
  const at = now();
  for (const { partitions } of (message as Fetching).result?.responses ?? []) {
    for (const { records: batches = [] } of partitions) {
      for (const { value } of (batches ?? []).flatMap(({ records }) => records)) {
        const id = idOf(value);
        if (id !== undefined) unpolled.push(id);
        mark("read", id, at);
      }
    }
  }
});

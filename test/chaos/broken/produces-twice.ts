// A gateway that produces one record in twenty once more, under a produce ID that the bridge does not know.

import { recordHeaders } from "../../../protocol/index.ts";
import { createGateway } from "../../../worker/gateway.ts";
import config from "../gateway/config.ts";
import { everyNth } from "./parts/every-nth.ts";

export { ReplyDrain, Waiter } from "../../../worker/library.ts";

interface ProduceBody {
  readonly headers: readonly { readonly key: string; readonly value: string }[];
}

const isOneInTwenty = everyNth(20);
const send = globalThis.fetch.bind(globalThis);

globalThis.fetch = async (input: RequestInfo | URL, init?: RequestInit) => {
  const answer = await send(input, init);
  const isProduce = typeof input === "string" && input.endsWith("/produce");
  if (isProduce && typeof init?.body === "string" && isOneInTwenty()) {
    await send(input, { ...init, body: underAnotherName(init.body) });
  }
  return answer;
};

/** As the attempt that begins 1 ms later. */
function underAnotherName(body: string): string {
  const record = JSON.parse(body) as ProduceBody;
  const headers = record.headers.map(({ key, value }) => {
    if (key !== recordHeaders.produceId) return { key, value };
    const [id, attempt] = atob(value).split(":");
    return { key, value: btoa(`${id}:${Number(attempt) + 1}`) };
  });
  return JSON.stringify({ ...record, headers });
}

export default createGateway(config);

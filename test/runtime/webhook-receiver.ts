// The receiver of callbacks in tests inside the Workers runtime, in place of the network: it takes what is sent to a URL
// of its own, which is new for each test, and checks each signature with the library of the specification.

import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, vi } from "vitest";

const host = "hooks.example.com";
const secrets = (env as unknown as { readonly CALLBACK_SECRET: string }).CALLBACK_SECRET.split(" ");

export interface Delivered {
  readonly id: string;
  /** Seconds. */
  readonly timestamp: number;
  readonly body: {
    readonly type: string;
    readonly timestamp: string;
    readonly data: Readonly<Record<string, unknown>>;
  };
}

export type Answer = (init: RequestInit) => Response | Promise<Response>;

export interface Receiver {
  readonly url: string;
  /** In order, also what was then refused. */
  readonly delivered: readonly Delivered[];
  /** URLs on any host of the example domain that were asked in this test, other tests' left out. */
  readonly asked: readonly string[];
  /** What is answered to the first deliveries; then each is taken. */
  readonly answers: Answer[];
}

/** To be called once per file. */
export function useReceiver(): () => Receiver {
  let receiver: Receiver & { readonly delivered: Delivered[]; readonly asked: string[] };
  beforeEach(() => {
    const mark = crypto.randomUUID();
    receiver = { url: `https://${host}/${mark}`, delivered: [], asked: [], answers: [] };
    const { url, delivered, asked, answers } = receiver;
    const fetched = globalThis.fetch;
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init = {}) => {
      const target = String(input instanceof Request ? input.url : input);
      if (!new URL(target).hostname.endsWith("example.com")) return fetched(input, init);
      const isOfAnother = target.startsWith(`https://${host}/`) && !target.startsWith(url);
      if (isOfAnother) return takes();
      asked.push(target);
      delivered.push(verified(init));
      return (answers.shift() ?? takes)(init);
    });
  });
  afterEach(() => vi.restoreAllMocks());
  return () => receiver;
}

/** Each of the secrets is somebody's: all of them must accept it. */
function verified({ body, headers: sent }: RequestInit): Delivered {
  const text = new TextDecoder().decode(body as Uint8Array);
  const headers = Object.fromEntries(new Headers(sent));
  for (const secret of secrets) new Webhook(secret).verify(text, headers);
  return {
    id: headers["webhook-id"] ?? "",
    timestamp: Number(headers["webhook-timestamp"]),
    body: JSON.parse(text) as Delivered["body"],
  };
}

export const takes = () => new Response(null, { status: 204 });

export const answersWith =
  (status: number, headers: Record<string, string> = {}): Answer =>
  () =>
    new Response(null, { status, headers });

export const refusesToConnect: Answer = () => Promise.reject(new TypeError("connection refused"));

/** Until nobody waits for it any more. */
export const hangs: Answer = ({ signal }) =>
  new Promise((_, reject) => {
    const gone = () => reject(new Error("aborted"));
    if (signal?.aborted === true) gone();
    signal?.addEventListener("abort", gone);
  });

// Callers who wait for an echo while something happens to the gateway, one of each kind that there is; how each comes
// back when its connection breaks, and how it ended. What happens to the gateway is the test's business.

import { randomUUID } from "node:crypto";
import { keyed } from "./durable-loop.ts";

/**
 * `plain`: no key. `keyed`: a key, and waits for the answer. `wait`: a key, and `Prefer: wait=N`. `async`:
 * `respond-async`, and then polls its `Location`, waiting there.
 */
export const callerKinds = ["plain", "keyed", "wait", "async"] as const;
export type CallerKind = (typeof callerKinds)[number];

/** Which of its requests was answered: the one that waited, or one more that it made. */
export type CameBack = "over its connection" | "by its key" | "by its Location";

export interface Ended {
  readonly kind: CallerKind;
  readonly nonce: string;
  /** Of its object; unknown for one that was never answered. */
  readonly waiter: string | undefined;
  /** `answered`: with its own nonce. A problem: its status. `broken`: its connection broke, and it cannot come back. */
  readonly fate: "answered" | "wrong" | "broken" | number;
  readonly cameBack: CameBack;
  /** Where its answer is, if it was told. */
  readonly location: string | undefined;
  /** Of the code of the Worker that gave the answer. */
  readonly version: string;
  /** What it is told when it asks once more, and by which code; undefined for a plain request. */
  readonly askAgain: () => Promise<{ readonly text: string; readonly version: string } | undefined>;
}

export interface Caller {
  readonly kind: CallerKind;
  readonly nonce: string;
  readonly ended: Promise<Ended>;
}

/** No longer than `/requests/{id}` allows. */
const waitSeconds = 25;
/** Before a caller comes back. */
const pauseMs = 50;

export interface Asked {
  /** Where to ask now: a caller who comes back may find it elsewhere. */
  readonly gateway: () => string;
  readonly service: string;
  /** The service has the request. Who was refused before, on a busy machine, has asked again and not come back. */
  readonly hasBegun: (nonce: string) => boolean;
}

export function startCaller(kind: CallerKind, asked: Asked): Caller {
  const nonce = randomUUID();
  return { kind, nonce, ended: callOf(kind, nonce, asked) };
}

async function callOf(
  kind: CallerKind,
  nonce: string,
  { gateway, service, hasBegun }: Asked,
): Promise<Ended> {
  const waits = { prefer: `wait=${waitSeconds}` };
  const headers = {
    plain: {},
    keyed: keyed(nonce),
    wait: { ...keyed(nonce), ...waits },
    async: { prefer: "respond-async" },
  }[kind];
  const ask = () =>
    fetch(`${gateway()}/${service}`, { method: "POST", headers, body: JSON.stringify({ nonce }) });
  const lookAt = (path: string) => fetch(`${gateway()}${path}`, { headers: waits });
  const mayComeBack = kind === "keyed" || kind === "wait";

  let cameBack: CameBack = "over its connection";
  let location: string | undefined;
  let response: Response | undefined;
  for (;;) {
    try {
      response = await (location === undefined ? ask() : lookAt(location));
      const text = await response.text();
      const isFirst = location === undefined;
      // Also of a 503 that does not know whether the request was handed over, and of a 504.
      location ??= response.headers.get("location") ?? undefined;
      if (kind === "plain" || response.status === 200) return endOf(text);
      if (isFirst && response.status === 202 && kind === "async") continue;
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      response = undefined;
      if (location === undefined && !mayComeBack) return endOf("");
    }
    if (hasBegun(nonce)) cameBack = location === undefined ? "by its key" : "by its Location";
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }

  function endOf(text: string): Ended {
    const status = response?.status ?? "broken";
    return {
      kind,
      nonce,
      waiter: response?.headers.get("x-waiter") ?? undefined,
      fate: status === 200 ? (text === nonce ? "answered" : "wrong") : status,
      cameBack,
      location,
      version: response === undefined ? "" : versionOf(response),
      async askAgain() {
        if (kind === "plain") return undefined;
        const again = await (location === undefined ? ask() : lookAt(location));
        return { text: await again.text(), version: versionOf(again) };
      },
    };
  }
}

/** Of the Worker that gave the answer. */
function versionOf({ headers }: Response): string {
  return headers.get("x-code-version") ?? "";
}

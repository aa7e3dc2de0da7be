// Getting a record into Kafka: again and again while that may help, and not longer than it is of use.

import type { NewRecord } from "../protocol/index.ts";
import type { ReplyFate } from "./kafka.ts";

export type Sent =
  | { readonly status: "appended" }
  /** It will not be taken, however often it is tried. */
  | { readonly status: "refused"; readonly reason: string }
  /** So it was, and an error that stands in for it was taken. */
  | { readonly status: "substituted"; readonly reason: string }
  /** Time is up. It may have been written. */
  | { readonly status: "unsent"; readonly reason: string };

export interface SenderOptions {
  /** Aborted when nothing is to be waited for any more. */
  readonly signal: AbortSignal;
  readonly produce: (record: NewRecord) => Promise<ReplyFate>;
  readonly onRetry: () => void;
  readonly now: () => number;
}

/** Pauses between attempts grow from the first to the last of these. */
const pauseMs = { shortest: 50, longest: 1_000 } as const;

/** Repeats are safe: the first reply wins. `until` is epoch ms; there is one attempt, however late it is. */
export async function send(
  { produce, onRetry, now, signal }: SenderOptions,
  record: NewRecord,
  until: number,
): Promise<Exclude<Sent, { status: "substituted" }>> {
  for (let attempt = 0; ; attempt++) {
    const fate = await produce(record);
    if (fate.status === "appended") return fate;
    if (fate.status === "refused" && fate.why !== "unavailable") {
      return { status: "refused", reason: fate.reason };
    }
    const wait = Math.min(pauseMs.longest, pauseMs.shortest * 2 ** attempt);
    if (now() + wait >= until || signal.aborted) return { status: "unsent", reason: fate.reason };
    await new Promise((resolve) => setTimeout(resolve, wait));
    onRetry();
  }
}

// Waits until a contender answers through the whole loop. A port that is open says nothing of the consumer behind it:
// a reply that is written before it has looked up where its partitions end is one that it never sees.

import { setTimeout as sleep } from "node:timers/promises";
import type { Ask } from "../contender.ts";

const everyMs = 250;
const timeoutMs = 60_000;

/** Resolves at the first 200, whichever question it is to. Rejects when there was none in 60 s. */
export async function firstAnswer(name: string, ask: Ask): Promise<void> {
  const body = Buffer.from(JSON.stringify({ id: "first", features: Array.from({ length: 128 }, () => 0) }));
  const giveUpAt = Date.now() + timeoutMs;
  let answered = false;
  let last = "it answered nothing";
  while (!answered) {
    if (Date.now() > giveUpAt) throw new Error(`${name} did not answer in ${timeoutMs / 1_000} s: ${last}`);
    // Not waited for: one that got lost would hold up the next for as long as the contender's timeout.
    ask(body).then(
      ({ status }) => {
        answered ||= status === 200;
        last = `it answered ${status}`;
      },
      (cause: unknown) => {
        last = String(cause);
      },
    );
    await sleep(everyMs);
  }
}

// A request whose waiter is reset while its caller waits: held, or parked.

import { randomUUID } from "node:crypto";
import { keyed, type Answer, type DurableLoop, type LifeOfWaiter } from "./durable-loop.ts";

/** With a spin of this length every caller is held, and with none every caller is parked, for as long as it matters. */
export const spinFor = { held: 1_500, parked: 0 } as const;

export interface ThroughReset extends Answer {
  readonly nonce: string;
  /** On the request topic. */
  readonly records: number;
  /** Of its waiter, once it is answered. */
  readonly life: LifeOfWaiter | undefined;
}

export interface ResetCase {
  readonly how: "held" | "parked";
  readonly kind: "plain" | "durable";
  /** Either way whether or not the caller is back. Only the second may take a reply with it that a plain wait was told of. */
  readonly reply: "after the reset" | "at the same moment";
}

/** The loop has the fixed spin for `how`. */
export async function askThroughReset(
  loop: DurableLoop,
  { how, kind, reply }: ResetCase,
): Promise<ThroughReset> {
  const nonce = randomUUID();
  const asked = loop.ask("quick", { nonce }, kind === "durable" ? keyed(nonce) : {});
  const id = await loop.echo.idOf(nonce);
  while ((await loop.inside(id))[how] !== 1) await new Promise((resolve) => setTimeout(resolve, 5));
  if (reply === "after the reset") await loop.reset(id);
  await Promise.all([loop.echo.release(nonce), reply === "after the reset" ? undefined : loop.reset(id)]);
  const answer = await asked;
  return { ...answer, nonce, records: loop.echo.recordsOf(nonce), life: (await loop.lives())[id] };
}

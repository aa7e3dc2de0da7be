// A steady stream of requests to a gateway, and what became of each.

import { postJson } from "./loop.ts";

export interface Fate {
  /** Epoch ms. */
  readonly begunAt: number;
  readonly endedAt: number;
  /** `answered`: 200 with the right answer. `503` and the like: a problem with that status. Else what was wrong. */
  readonly fate: string;
}

export interface Load {
  readonly fates: readonly Fate[];
  /** Begins no more requests; resolves when all have ended. */
  finish(): Promise<readonly Fate[]>;
}

/** `perSecond` requests, whether or not earlier ones have ended. */
export function startLoad(url: string, perSecond: number): Load {
  const fates: Fate[] = [];
  const open = new Set<Promise<void>>();
  const startedAt = Date.now();
  let begun = 0;
  const begin = (): void => {
    while (begun < ((Date.now() - startedAt) * perSecond) / 1_000) {
      const n = begun++;
      const begunAt = Date.now();
      const request = fateOf(url, n).then((fate) => {
        fates.push({ begunAt, endedAt: Date.now(), fate });
        open.delete(request);
      });
      open.add(request);
    }
  };
  const ticking = setInterval(begin, Math.max(1, 500 / perSecond));
  return {
    fates,
    async finish() {
      clearInterval(ticking);
      await Promise.all(open);
      return fates;
    },
  };
}

async function fateOf(url: string, n: number): Promise<string> {
  try {
    const response = await postJson(url, { id: `load_${n}`, features: [n] });
    const body = (await response.json()) as { id?: string; prediction?: number; code?: string };
    if (response.status !== 200) {
      const isProblem = response.headers.get("content-type")?.startsWith("application/problem+json") === true;
      return isProblem ? String(response.status) : `${response.status} without a problem`;
    }
    return body.id === `load_${n}` && body.prediction === n
      ? "answered"
      : `wrong answer ${JSON.stringify(body)}`;
  } catch (cause) {
    return `no response: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

/** How often each fate was met. */
export function countFates(fates: readonly Fate[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { fate } of fates) counts[fate] = (counts[fate] ?? 0) + 1;
  return counts;
}

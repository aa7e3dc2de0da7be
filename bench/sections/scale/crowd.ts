// Callers who ask one after the other at a steady rate and then all wait at once: when each asked, and how each ended.

import { clock, pace } from "../../load/pacer.ts";
import type { HttpAnswer, HttpCaller, HttpQuestion } from "../../load/http-caller.ts";
import type { Question } from "../../load/work.ts";

export interface Waited {
  /** On the clock of `clock()`, in ms. */
  readonly askedAt: number;
  readonly endedAt: number;
  /** Epoch ms by the machine's clock, which a deadline is told on. */
  readonly endedOn: number;
  /** Undefined: there was none. */
  readonly answer: HttpAnswer | undefined;
  readonly isRight: boolean;
}

export interface Crowd {
  /** Who has no answer yet. */
  readonly open: number;
  readonly size: number;
  readonly firstAskedAt: number;
  readonly lastAskedAt: number;
  readonly ended: Promise<readonly Waited[]>;
}

export interface CrowdPlan {
  readonly callers: readonly HttpCaller[];
  readonly count: number;
  readonly perSecond: number;
  readonly nextQuestion: () => Question;
  /** Beside the body. */
  readonly asked?: HttpQuestion;
}

/** Resolves when the last one has asked. */
export async function gatherCrowd({
  callers,
  count,
  perSecond,
  nextQuestion,
  asked = {},
}: CrowdPlan): Promise<Crowd> {
  const waits: Promise<Waited>[] = [];
  const seen = { open: 0, firstAskedAt: Number.NaN, lastAskedAt: Number.NaN };
  await pace(perSecond, count, (n) => {
    const caller = callers[n % callers.length];
    if (caller === undefined) throw new Error("there is nobody to ask");
    const question = nextQuestion();
    const askedAt = clock();
    if (n === 0) seen.firstAskedAt = askedAt;
    seen.lastAskedAt = askedAt;
    seen.open++;
    waits.push(
      caller
        .send({ ...asked, body: question.body })
        .catch(() => undefined)
        .then((answer) => {
          seen.open--;
          const isRight = answer?.status === 200 && question.isRight(answer.body);
          return { askedAt, endedAt: clock(), endedOn: Date.now(), answer, isRight };
        }),
    );
  });
  return {
    get open() {
      return seen.open;
    },
    size: waits.length,
    firstAskedAt: seen.firstAskedAt,
    lastAskedAt: seen.lastAskedAt,
    ended: Promise.all(waits),
  };
}

/** How many ended how: `right`, `wrong`, the status of a refusal, or `no answer`. */
export function fatesOf(waited: readonly Waited[]): Readonly<Record<string, number>> {
  const fates: Record<string, number> = {};
  for (const { answer, isRight } of waited) {
    const fate =
      answer === undefined
        ? "no answer"
        : answer.status === 200
          ? isRight
            ? "right"
            : "wrong"
          : String(answer.status);
    fates[fate] = (fates[fate] ?? 0) + 1;
  }
  return fates;
}

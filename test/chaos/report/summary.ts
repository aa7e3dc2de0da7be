// What a run's journals amount to: counts and times for the report and its charts. Whether a promise was kept is the
// checker's business.

import type {
  CallKind,
  CallLine,
  EndFile,
  FaultLine,
  ResourceLine,
  RunFile,
  Target,
  TryLine,
} from "../journal.ts";
import { readDocument, readJournal } from "../journal-file.ts";

export interface Summary {
  readonly run: RunFile;
  readonly end: EndFile;
  readonly faults: readonly FaultLine[];
  readonly resources: readonly ResourceLine[];
  readonly tries: readonly TryLine[];
  readonly calls: readonly CallLine[];
  /** Epoch ms of the first request. */
  readonly startedAt: number;
  readonly answers: readonly Answer[];
}

/** A call that was answered: from its first request to its first answer. */
export interface Answer {
  readonly call: string;
  readonly kind: CallKind;
  readonly askedAt: number;
  readonly tookMs: number;
}

export function readSummary(folder: string): Summary {
  const tries = readJournal(folder, "clients");
  return {
    run: readDocument(folder, "run"),
    end: readDocument(folder, "end"),
    faults: readJournal(folder, "faults"),
    resources: readJournal(folder, "resources"),
    calls: readJournal(folder, "calls"),
    tries,
    startedAt: tries.reduce((earliest, { sentAt }) => Math.min(earliest, sentAt), Infinity),
    answers: answersOf(tries),
  };
}

export function answersOf(tries: readonly TryLine[]): readonly Answer[] {
  const own = tries.filter(({ asked }) => asked !== "location of another");
  return [...Map.groupBy(own, ({ call }) => call)].flatMap(([call, ofCall]) => {
    const [first] = ofCall.toSorted((a, b) => a.sentAt - b.sentAt);
    const answeredAt = Math.min(...ofCall.filter(isAnswer).map(({ endedAt }) => endedAt));
    if (first === undefined || answeredAt === Infinity) return [];
    return [{ call, kind: first.kind, askedAt: first.sentAt, tookMs: answeredAt - first.sentAt }];
  });
}

export function isAnswer({ outcome }: TryLine): boolean {
  return outcome.type === "response" && outcome.response.status === 200;
}

/** What became of a request, in a word or three. */
export function nameOutcome({ outcome }: TryLine): string {
  if (outcome.type === "broken") return outcome.cause;
  const { status, code } = outcome.response;
  return code === undefined ? String(status) : `${status} ${code}`;
}

/** From a fault's end to the first answer to a call that began after it, in ms. */
export function recoveries(
  { faults, answers }: Pick<Summary, "faults" | "answers">,
  target: Target,
  fault: FaultLine["fault"],
): readonly number[] {
  return faults
    .filter((one) => one.target === target && one.fault === fault)
    .map(({ backAt }) =>
      answers
        .filter(({ askedAt }) => askedAt >= backAt)
        .reduce((first, { askedAt, tookMs }) => Math.min(first, askedAt + tookMs - backAt), Infinity),
    )
    .filter((ms) => ms !== Infinity);
}

// From a workload and a way to wait to what the platform counts, for one request and for a month. Pure arithmetic on the
// tables beside it; prices are in prices.ts, words and columns in tables.ts.

import {
  counts,
  fates,
  hibernatesAfterSeconds,
  holdInVain,
  retention,
  type Fate,
  type Kind,
} from "./counts.ts";
import { noUnits, objectGb, sumOf, timesOf, type Units } from "./prices.ts";
import { spin, type HoldRule, type Spun } from "./spinning.ts";

export interface Workload {
  readonly ratePerSecond: number;
  /** Mean time from request to reply. */
  readonly waitSeconds: number;
  /** Of the waits: standard deviation over mean. */
  readonly spread: number;
  /** Of all requests: with a key, and waited for. */
  readonly durableShare: number;
  /** Of all requests: not waited for, fetched once by `Location`. */
  readonly asyncShare: number;
  readonly replyBytes: number;
  readonly timeoutSeconds: number;
  /** How long an answer is kept after its deadline. */
  readonly retentionSeconds: number;
  /** Of the Worker, at the same time. */
  readonly isolates: number;
  /** Waits of one service in an isolate's life. */
  readonly waitsPerIsolate: number;
  /** Share of invocations whose events are logged. */
  readonly loggedShare: number;
}

/** What no list and no code can tell; where it comes from is in measured.ts. */
export interface Measured {
  /** In which an object has a call under way beside a hold, up to the answer, in ms of the wall clock. */
  readonly handlerMs: Readonly<Record<Kind, Readonly<Record<"parked" | "hibernated", number>>>>;
  /** Of the whole of workerd: Worker, objects and drain. The platform charges for the Worker's alone. */
  readonly cpuMs: Readonly<Record<Kind, Readonly<Record<Exclude<Fate, "hibernated">, number>>>>;
  /** Database of a durable exchange that has its answer, without the answer's body. */
  readonly storedBytes: number;
}

/**
 * `hold`: one RPC call, however long. `park`: a hibernatable socket at once. `hearback`: held first, then parked, as the
 * shipped rule says. `poll`: a call of the object every so often, in which it looks and answers at once.
 */
export type Design = "hold" | "park" | "hearback" | { readonly pollEverySeconds: number };

/**
 * The platform's texts disagree on whether an object that nobody calls is billed until it leaves memory, 10 s later. `low`:
 * no. `high`: yes, each time.
 */
export interface Estimate {
  readonly low: Units;
  readonly high: Units;
}

/** As in the platform's own examples: 730 hours. */
export const secondsAMonth = 730 * 3_600;

/** What one request takes, on average over the kinds; the drain and the cron apart. */
export function perRequest(workload: Workload, design: Design, measured: Measured): Estimate {
  const { durableShare, asyncShare } = workload;
  const shares = { plain: 1 - durableShare - asyncShare, durable: durableShare, async: asyncShare };
  const each = (Object.entries(shares) as [Kind, number][]).map(([kind, share]) => {
    const { low, high } = ofKind(kind, workload, design, measured);
    return { low: timesOf(low, share), high: timesOf(high, share) };
  });
  return { low: sumOf(...each.map(({ low }) => low)), high: sumOf(...each.map(({ high }) => high)) };
}

/** Everything that a deployment takes in a month. */
export function perMonth(workload: Workload, design: Design, measured: Measured): Estimate {
  const each = perRequest(workload, design, measured);
  const requests = workload.ratePerSecond * secondsAMonth;
  const deployment = deploymentPerMonth(workload, design);
  return {
    low: sumOf(timesOf(each.low, requests), deployment),
    high: sumOf(timesOf(each.high, requests), deployment),
  };
}

function ofKind(kind: Kind, workload: Workload, design: Design, measured: Measured): Estimate {
  const { waitSeconds, loggedShare } = workload;
  const isPolled = typeof design === "object" && kind !== "async";
  const spun = kind === "async" ? unattended(waitSeconds) : waitsOf(workload, design);
  const takes = fates.map((fate) => timesOf(unitsOf(counts[kind][fate]), spun[fate]));
  const handlerSeconds =
    (measured.handlerMs[kind].parked * (spun.held + spun.parked) +
      measured.handlerMs[kind].hibernated * spun.hibernated) /
    1_000;
  // A poll is a call and its handlers; the hold's own call is in the counts.
  const polls = isPolled ? waitSeconds / design.pollEverySeconds - 1 : 0;
  const activeSeconds = isPolled
    ? handlerSeconds * (polls + 1)
    : (kind === "async" ? 0 : spun.heldSeconds) + handlerSeconds;
  // Once after the last call, and again after the alarm of retention.
  const ends = kind === "plain" ? 1 : 2;
  const idleSeconds = isPolled
    ? waitSeconds + hibernatesAfterSeconds
    : spun.idleSeconds + ends * hibernatesAfterSeconds;
  const counted = sumOf(
    ...takes,
    timesOf(unitsOf(holdInVain), spun.heldInVain),
    { objectRequests: polls },
    kind === "plain" ? {} : sumOf(unitsOf(retention), stored(workload, measured)),
    {
      workerCpuMs:
        measured.cpuMs[kind].held * spun.held + measured.cpuMs[kind].parked * (spun.parked + spun.hibernated),
    },
  );
  const low = sumOf(counted, {
    objectGbSeconds: activeSeconds * objectGb,
    logEvents: (counted.workerRequests + counted.objectRequests) * loggedShare,
  });
  return { low, high: sumOf(low, { objectGbSeconds: idleSeconds * objectGb }) };
}

const unitsOf = (part: Partial<Units>): Units => ({ ...noUnits, ...part });

const rules: Readonly<Record<Extract<Design, string>, HoldRule>> = {
  hold: "always",
  park: "never",
  hearback: "shipped",
};

/** How they end. */
export const waitsOf = (workload: Workload, design: Design): Spun =>
  spin(typeof design === "string" ? rules[design] : "always", {
    meanSeconds: workload.waitSeconds,
    spread: workload.spread,
    longestSeconds: workload.timeoutSeconds,
    perIsolate: workload.waitsPerIsolate,
  });

/** Nobody waits: the object idles after the request, and once more after the reply until it is fetched. */
function unattended(waitSeconds: number): Spun {
  const isGone = waitSeconds > hibernatesAfterSeconds;
  return {
    held: isGone ? 0 : 1,
    parked: 0,
    hibernated: isGone ? 1 : 0,
    heldInVain: 0,
    heldSeconds: 0,
    idleSeconds: Math.min(waitSeconds, hibernatesAfterSeconds),
    long: 0,
    meanSeconds: waitSeconds,
  };
}

/** A larger body has rows of its own, of 1 MiB each (durable/exchange-store.ts). */
const maxInlineBytes = 256 * 1024;
const maxPartBytes = 1024 * 1024;

function stored(
  { replyBytes, timeoutSeconds, retentionSeconds }: Workload,
  { storedBytes }: Measured,
): Partial<Units> {
  const months = (timeoutSeconds + retentionSeconds) / secondsAMonth;
  return {
    storedGbMonths: ((storedBytes + replyBytes) / 1e9) * months,
    rowsWritten: replyBytes > maxInlineBytes ? Math.ceil(replyBytes / maxPartBytes) : 0,
  };
}

/** Held against the drain and the nudger by test/unit/cost.test.ts. */
export const drainFacts = {
  /** It stays awake so much longer than a nudge asks for. */
  awakeSlackSeconds: 30,
  /** A run lasts so long at most; each is an alarm set and run. */
  runSeconds: 60,
  /** Of a run on Workers Paid. */
  deliveriesARun: 6_000,
  kafkaCallsARun: 4_000,
  /** It stores how far it got at most so often. */
  savesASecond: 1,
  /** An isolate whose callers wait long asks again at most so often; one whose callers do not, twice a minute. */
  nudgesASecondOfLongWaits: 1,
  nudgesASecond: 1 / 30,
} as const;

/** A tick that finds the drain asleep looks at the topics and polls once; not measured, since it hardly counts. */
const tickSeconds = 0.1;

/** Whatever the number of requests: the drain while it is awake, the nudges that keep it so, and the cron tick. */
export function deploymentPerMonth(workload: Workload, design: Design): Units {
  const { ratePerSecond, timeoutSeconds, isolates, loggedShare, asyncShare } = workload;
  const facts = drainFacts;
  // Requests come at random: it sleeps when none came for that long.
  const awake = 1 - Math.exp(-ratePerSecond * (timeoutSeconds + facts.awakeSlackSeconds));
  // Never more than a poll for each reply, though at a high rate one brings several.
  const runsASecond = Math.max(
    awake / facts.runSeconds,
    ratePerSecond / facts.deliveriesARun,
    ratePerSecond / facts.kafkaCallsARun,
  );
  const savesASecond = Math.min(facts.savesASecond, ratePerSecond);
  const ofIsolate = ratePerSecond / isolates;
  const { long, meanSeconds } = waitsOf(workload, design);
  const asks = typeof design === "object" ? 0 : (1 - asyncShare) * long * Math.max(1, meanSeconds / 1.5);
  const askedAgain = Math.min(facts.nudgesASecondOfLongWaits, ofIsolate * asks);
  // Each brings an instant that is new to the drain, and a row.
  const askedAnew = Math.min(facts.nudgesASecond, ofIsolate);
  const nudgesASecond = isolates * Math.max(askedAgain, askedAnew);
  const ticks = secondsAMonth / 60;
  const objectRequests = (runsASecond + nudgesASecond) * secondsAMonth + ticks;
  return sumOf({
    workerRequests: ticks,
    objectRequests,
    objectGbSeconds: (awake * secondsAMonth + (1 - awake) * ticks * tickSeconds) * objectGb,
    // A tick stores what it found.
    rowsWritten: (runsASecond + savesASecond + isolates * askedAnew) * secondsAMonth + ticks,
    logEvents: (ticks + objectRequests) * loggedShare,
  });
}

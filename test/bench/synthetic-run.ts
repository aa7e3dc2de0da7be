// A run of the bench that nobody made: raw units of contenders that are as fast, and hold as much, as is asked for.

import { contenderIds, type ContenderId } from "../../bench/contenders/contender.ts";
import { nextStep, type Step } from "../../bench/knee.ts";
import { encodeHistogram, newHistogram, recordMs } from "../../bench/load/histogram.ts";
import type { Figure, Measurement, ProcessUse, Unit } from "../../bench/raw.ts";
import type { Environment } from "../../bench/report/index.ts";

export interface Pace {
  /** Of the fastest answer. */
  readonly ms: number;
  /** Requests per second. */
  readonly knee: number;
}

export const usualPaces: Readonly<Record<ContenderId, Pace>> = {
  floor: { ms: 2, knee: 3_000 },
  "hearback-memory": { ms: 2.5, knee: 1_200 },
  "hearback-disk": { ms: 4, knee: 800 },
  nestjs: { ms: 5, knee: 700 },
  spring: { ms: 3, knee: 2_000 },
  "kafka-hooks": { ms: 6, knee: 600 },
  redis: { ms: 20, knee: 300 },
};

const ownProcesses: Readonly<Record<ContenderId, readonly string[]>> = {
  floor: [],
  "hearback-memory": ["workerd", "bridge"],
  "hearback-disk": ["workerd", "bridge"],
  nestjs: ["node"],
  spring: ["jvm"],
  "kafka-hooks": ["node"],
  redis: ["node", "redis"],
};

/** So many answers a measurement: its times are the same whenever it is made. */
export const answers = 100;

/** From `ms` for the fastest to some 11 times that; p50 is 1.2 × `ms`, and p99 4 ×. */
export function latencyOf(ms: number): string {
  const histogram = newHistogram();
  for (let n = 0; n < answers; n++) {
    const share = (n + 1) / answers;
    recordMs(histogram, ms * (1 + 0.36 * share + 0.02 / (1.0026 - share)));
  }
  return encodeHistogram(histogram);
}

const nothingLate = (() => {
  const histogram = newHistogram();
  for (let n = 0; n < answers; n++) recordMs(histogram, 0.1);
  return encodeHistogram(histogram);
})();

export function measurement(
  name: string,
  contender: ContenderId,
  { perSecond, ms, ...others }: Partial<Measurement> & { readonly perSecond: number; readonly ms: number },
): Measurement {
  const use = (process: string, at: number): ProcessUse => ({
    name: process,
    cpuSeconds: 0.02 + 0.03 / (at + 1),
    peakMiB: 100 + 10 * at,
  });
  return {
    name,
    contender,
    perSecond,
    seconds: answers / perSecond,
    elapsedSeconds: answers / perSecond,
    fates: { right: answers },
    latency: latencyOf(ms),
    lateness: nothingLate,
    processes: [...ownProcesses[contender], "broker", "responder", "load"].map(use),
    ...(contender.startsWith("hearback")
      ? { ledger: { read: answers, verdicts: { accepted: answers - 1 }, inFlight: 1 } }
      : {}),
    ...others,
  };
}

export function unit(
  name: string,
  measurements: readonly Measurement[],
  {
    figures = [],
    remarks = [],
  }: { readonly figures?: readonly Figure[]; readonly remarks?: readonly string[] } = {},
): Unit {
  return {
    unit: name,
    commit: "0123456789ab",
    startedAt: "2026-11-22T10:00:00.000Z",
    versions: { kafka: "4.1.0" },
    measurements,
    figures,
    remarks,
  };
}

/** Beyond the knee answers take long, and some are refused. */
export function comparison(round: number, contender: ContenderId, { ms, knee }: Pace): Unit {
  const steps: Step[] = [];
  const ramp: Measurement[] = [];
  let next = nextStep(steps);
  for (; !("knee" in next); next = nextStep(steps)) {
    const { perSecond, isRepeat } = next;
    const held = perSecond <= knee;
    const load = held ? { ms: ms * (1 + perSecond / knee) } : { ms: 60, fates: { right: answers, "503": 7 } };
    ramp.push(measurement(`ramp-${perSecond}${isRepeat ? "-again" : ""}`, contender, { perSecond, ...load }));
    steps.push({ perSecond, held });
  }
  return unit(`compare-${round}-${contender}`, [
    measurement("rate-100", contender, { perSecond: 100, ms: ms * (1 + round / 100) }),
    ...ramp,
    measurement("half-knee", contender, { perSecond: next.knee / 2, ms: ms * 1.4 }),
  ]);
}

export function founding(ms = 20): Unit {
  const load = measurement("steady", "hearback-memory", { perSecond: 1_000, ms });
  return unit("founding-1000", [{ ...load, seconds: 300, elapsedSeconds: answers / 999 }], {
    figures: [
      { id: "founding.backlog-max", what: "most requests that waited", value: 130, unit: "" },
      { id: "founding.backlog-end", what: "requests that waited at the end", value: 24, unit: "" },
    ],
  });
}

export function scale(figures: Readonly<Record<string, number>> = {}): Unit {
  const values = {
    "open-10000.open": 10_000,
    "open-10000.other-ends": 0,
    "open-10000.kb-per-waiter": 22.4,
    "open-10000.idle-cpu-percent": 0.3,
    "open-10000.late-504-max-ms": 31,
    "open-10000.late-504-p99-ms": 12,
    ...figures,
  };
  return unit(
    "scale-open-10000",
    [
      measurement("open", "hearback-memory", {
        perSecond: 2_000,
        ms: 3,
        fates: { right: answers, "504": 40 },
      }),
    ],
    {
      figures: Object.entries(values).map(([id, value]) => ({ id, what: id, value, unit: "" })),
      remarks: ["descriptors reached for 10,000 | and no more"],
    },
  );
}

/** Everything, in three rounds. */
export function run(paces: Partial<Record<ContenderId, Pace>> = {}, rounds = 3): Unit[] {
  const compared = Array.from({ length: rounds }, (_, round) =>
    contenderIds.map((id) => comparison(round + 1, id, paces[id] ?? usualPaces[id])),
  );
  return [...compared.flat(), founding(), scale()];
}

export const environment: Environment = {
  machine: { processor: "Some CPU", cores: 2, memoryGiB: 8, kernel: "6.1", node: "24.0.0", java: "17" },
  titles: {
    floor: "floor: native client",
    "hearback-memory": "Hearback, in memory",
    "hearback-disk": "Hearback, on disk",
    nestjs: "NestJS ClientKafka",
    spring: "Spring ReplyingKafkaTemplate",
    "kafka-hooks": "kafka-hooks",
    redis: "Redis, polled",
  },
  settings: { rounds: "3" },
};

// What the kit counts: every record that is read ends in one fate. For programs as numbers, for Prometheus as text.

import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Fates of records. Each record has one, once it is finished with. */
export const fates = {
  replied: "Answered; Kafka has the reply.",
  failed: "Answered with an error, because the handler threw or Kafka would not take its reply.",
  skipped: "Expired when it was read or its turn came; nobody waited any more.",
  expired: "Not answered: the handler gave up when its deadline had passed.",
  cancelled: "Taken back before it was answered.",
  cancel: "A cancel record itself.",
  deadLettered: "Could not be answered, and was kept as a dead letter.",
  unsent: "Handled, but Kafka took neither reply nor dead letter as long as anybody waited.",
} as const satisfies Record<string, string>;
export type Fate = keyof typeof fates;

export type ResponderCounts = Readonly<
  Record<Fate, number> & {
    /** Records read; the sum of all fates and of what is under way. */
    received: number;
    /** Records read again after a rebalance or a lost answer, and left alone. Not among those received. */
    repeated: number;
  }
>;

export interface Tally {
  readonly counts: ResponderCounts;
  received(ageMs: number | undefined): void;
  repeated(): void;
  finished(fate: Fate, durationMs: number): void;
  retried(): void;
  /** In the text format of Prometheus. Names begin with `hearback_responder_`. */
  metrics(): Promise<string>;
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** `gauges`: figures that are read when somebody looks. */
export function createTally(
  gauges: Readonly<Record<string, { readonly help: string; readonly read: () => number }>>,
): Tally {
  const registry = new Registry();
  const registers = [registry];
  const named = (name: string) => `hearback_responder_${name}`;
  const requests = new Counter({
    name: named("requests_total"),
    help: "Records read, by what became of them.",
    labelNames: ["fate"],
    registers,
  });
  const repeats = new Counter({ name: named("repeated_total"), help: "Records read again.", registers });
  const retries = new Counter({
    name: named("produce_retries_total"),
    help: "Replies and dead letters that were sent again.",
    registers,
  });
  const duration = new Histogram({
    name: named("duration_seconds"),
    help: "From reading a request to the acknowledgement of its reply.",
    buckets: seconds,
    registers,
  });
  const age = new Histogram({
    name: named("request_age_seconds"),
    help: "From the gateway taking a request to its being read here; 0 where clocks disagree.",
    buckets: seconds,
    registers,
  });
  for (const [name, { help, read }] of Object.entries(gauges)) {
    const gauge: Gauge = new Gauge({
      name: named(name),
      help,
      registers,
      collect: () => gauge.set(read()),
    });
  }
  const counts: Record<keyof ResponderCounts, number> = {
    received: 0,
    replied: 0,
    failed: 0,
    skipped: 0,
    expired: 0,
    cancelled: 0,
    cancel: 0,
    deadLettered: 0,
    unsent: 0,
    repeated: 0,
  };

  return {
    counts,

    received(ageMs) {
      counts.received++;
      if (ageMs !== undefined) age.observe(Math.max(0, ageMs) / 1_000);
    },

    repeated() {
      counts.repeated++;
      repeats.inc();
    },

    finished(fate, durationMs) {
      counts[fate]++;
      requests.inc({ fate });
      if (fate === "replied" || fate === "failed") duration.observe(durationMs / 1_000);
    },

    retried: () => retries.inc(),
    metrics: () => registry.metrics(),
  };
}

// One chaos run from its start to its end: the loop under load and faults, then in peace until nothing is left to come.
// What it saw is in the files of its folder, which the checker and the report read. The loop, with the topics in it, is
// there until `later` undoes it.

import { mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { commitAtHand } from "../../dev/commit.ts";
import { startClients, type Clients } from "./clients.ts";
import { readEnd } from "./end.ts";
import { injectFaults } from "./faults.ts";
import { replyTopic, requestTopic, type Times } from "./gateway/services.ts";
import type { FaultLine, Target } from "./journal.ts";
import { openJournal, writeDocument } from "./journal-file.ts";
import { sampleResources } from "./resources.ts";
import { planFaults } from "./schedule.ts";
import { startWorld } from "./world.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** Of load and faults. What comes after it lasts as long as the longest exchange and its retention. */
  readonly minutes: number;
  /** Calls a second that begin; each is several HTTP requests. */
  readonly rate: number;
  /** What may be hit. */
  readonly targets: readonly Target[];
  /** Where the run's files are; those of an earlier run are written over. */
  readonly folder: string;
  readonly times: Times;
  /** Of ms, shortest and longest. */
  readonly outagesMs: readonly [number, number];
  readonly breaksMs: readonly [number, number];
  /** The deliberately broken gateway to take instead of the one that ships. */
  readonly broken?: { readonly name: string; readonly entry: string };
  /** Told how it goes, a line now and then. */
  readonly progress: (line: string) => void;
}

const shippedEntry = "test/chaos/gateway/entry.ts";
const tickEveryMs = 60_000;
const tellEveryMs = 10_000;
/** Until a request is taken in by a machine that has too much to do. */
const slackMs = 4_000;
/** After the longest exchange of those that began before the end: for a few more refusals with their `Retry-After`. */
const finishMs = 60_000;

type Later = (cleanup: () => unknown) => void;

/** All that it starts is undone by `later`. Rejects when the loop does not start, or a part of it does not come back. */
export async function runChaos(options: ChaosOptions, later: Later): Promise<void> {
  const { seed, minutes, rate, targets, folder, times, outagesMs, breaksMs, broken, progress } = options;
  mkdirSync(folder, { recursive: true });
  progress("starting Kafka, bridge, responders and gateway");
  const world = await startWorld({ entry: broken?.entry ?? shippedEntry, times, folder }, later);
  writeDocument(folder, "run", {
    seed,
    minutes,
    brokers: world.brokers,
    requestTopic,
    replyTopic,
    waitsMs: { plain: times.plainMs, keyed: times.keyedMs, async: times.asyncMs },
    retentionMs: times.retentionMs,
    ...(broken === undefined ? {} : { broken: broken.name }),
    commit: commitAtHand(),
  });

  const stopWatching = sampleResources(folder, world.processes);
  later(stopWatching);
  const ticking = setInterval(() => void world.gateway.tick().catch(() => undefined), tickEveryMs);
  later(() => clearInterval(ticking));

  const journals = {
    tries: openJournal(folder, "clients"),
    calls: openJournal(folder, "calls"),
    faults: openJournal(folder, "faults"),
  };
  const startedAt = Date.now();
  const clients = startClients({
    url: world.gateway.url,
    seed,
    rate,
    times,
    apiKeys: world.apiKeys,
    longestStandstillMs: outagesMs[1] + slackMs,
    tries: journals.tries,
    calls: journals.calls,
  });
  later(() => clients.finish(0));
  const told = setInterval(() => progress(stateOf(clients, startedAt)), tellEveryMs);
  later(() => clearInterval(told));

  const over = new AbortController();
  const schedule = targets.length === 0 ? [] : planFaults({ seed, targets, outagesMs, breaksMs });
  const faults = injectFaults(world, schedule, over.signal, journals.faults, (line) =>
    progress(showFault(line, startedAt)),
  ).catch((cause: unknown) => {
    over.abort();
    throw cause;
  });
  later(() => {
    over.abort();
    return faults.catch(() => undefined);
  });
  await sleep(minutes * 60_000, undefined, { signal: over.signal }).catch(() => undefined);
  over.abort();
  await faults;
  progress("faults and load are over; clients finish what they have begun");
  const longestMs = Math.max(times.keyedMs, times.asyncMs) + times.retentionMs;
  await clients.finish(longestMs + finishMs);
  clearInterval(told);
  progress(`${stateOf(clients, startedAt)}; waiting until all retention is over`);
  writeDocument(folder, "end", await readEnd(world.gateway, longestMs + 30_000));
  clearInterval(ticking);
  stopWatching();
  for (const journal of Object.values(journals)) journal.close();
}

function stateOf({ begun, answered, open }: Clients, startedAt: number): string {
  return `${secondsSince(startedAt, Date.now())} s: ${begun} calls begun, ${answered} answered, ${open} open`;
}

function showFault({ target, fault, at, backAt }: FaultLine, startedAt: number): string {
  return `${secondsSince(startedAt, at)} s: ${fault} ${target}, back after ${secondsSince(at, backAt)} s`;
}

function secondsSince(from: number, to: number): string {
  return ((to - from) / 1_000).toFixed(1);
}

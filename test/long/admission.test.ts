// Services that nobody answers, under load and with figures: what their breaker lets through, how fast it refuses, what
// that costs in memory, how soon a responder that returns is found, and what services beside a dead one notice.
// Clients, bridge and responders share the process of the test; workerd has its own.

import { afterAll, expect, test } from "vitest";
import { openEmbeddedLog } from "../../bridge/index.ts";
import type { ServiceOptions } from "../../worker/config.ts";
import { useCleanups } from "../support/cleanups.ts";
import { startLogResponder } from "../support/log-responder.ts";
import { bridgeOver } from "../support/embedded-bridge.ts";
import { credentialsFor } from "../support/loop.ts";
import { keepObjectsInMemory } from "../support/objects-in-memory.ts";
import { atRate } from "../support/pace.ts";
import { percentile, Proof } from "../support/proof.ts";
import { startRestartableGateway } from "../support/restartable-gateway.ts";

const proof = new Proof("admission", "Services that nobody answers");
afterAll(() => proof.write());

const later = useCleanups();

/** Shorter for a trial, which shows that it runs and proves nothing. */
const seconds = Number(process.env["ADMISSION_SECONDS"] ?? 60);
const perSecond = 200;
const timeoutMs = 2_000;
const openMs = 10_000;

interface Answer {
  readonly begunAt: number;
  readonly tookMs: number;
  readonly status: number;
  /** The code of a problem, `degraded` for a fallback, `right` for the service's answer. */
  readonly what: string;
}

interface Stage {
  /** So many seconds of requests to the service, whether or not earlier ones are answered. */
  ask(service: string, forSeconds: number, rate?: number): Promise<readonly Answer[]>;
  /** One after the other, so that no request waits for another. */
  askInTurn(service: string, count: number): Promise<readonly Answer[]>;
  /** Latencies of a path that does nothing, at the rate of `ask`: what the way there and back costs by itself. */
  doNothing(forSeconds: number): Promise<readonly number[]>;
  answer(service: string): void;
  recordsOf(service: string): Promise<number>;
  reportOf(service: string): Promise<Report>;
  rssMiB(): number;
  heapMiB(): Promise<number>;
}

interface Report {
  readonly admitted: number;
  readonly probes: number;
  readonly underWay: number;
  readonly transitions: Readonly<Record<string, number>>;
}

async function startStage(services: Readonly<Record<string, Partial<ServiceOptions>>>): Promise<Stage> {
  const objects = keepObjectsInMemory();
  later(objects.undo);
  const names = Object.keys(services);
  const partitions = [0, 1, 2];
  const log = openEmbeddedLog({
    topics: new Map([...names, "replies"].map((name) => [name, partitions.length])),
  });
  const bridge = await bridgeOver(log, later);
  const shared = { replyTopic: "replies", replyPartitions: partitions.length, timeoutMs };
  const gateway = await startRestartableGateway(
    {
      entry: "test/fixtures/loop/routed-entry.ts",
      name: "hearback-admission",
      isMeasured: true,
      variables: {
        ...credentialsFor(bridge.url),
        HEARBACK_OPERATOR_ACCESS: "open",
        GATEWAY_OPTIONS: JSON.stringify({
          produceTimeoutMs: 1_000,
          workersPlan: "paid",
          services: Object.fromEntries(
            names.map((name) => [
              name,
              { ...shared, route: `POST /${name}`, requestTopic: name, ...services[name] },
            ]),
          ),
        }),
      },
    },
    later,
  );
  const askOnce = async (service: string, at: number): Promise<Answer> => {
    const [begunAt, startedAt] = [Date.now(), performance.now()];
    const response = await fetch(`${gateway.url}/${service}`, { method: "POST", body: `request ${at}` });
    const text = await response.text();
    const tookMs = performance.now() - startedAt;
    const { status } = response;
    if (text === `${service}:request ${at}`) return { begunAt, tookMs, status, what: "right" };
    const { code, degraded } = JSON.parse(text) as { code?: string; degraded?: boolean };
    return { begunAt, tookMs, status, what: degraded === true ? "degraded" : (code ?? "wrong") };
  };
  return {
    ask: (service, forSeconds, rate = perSecond) =>
      atRate(Math.round(forSeconds * rate), rate, (at) => askOnce(service, at)),
    async askInTurn(service, count) {
      const answers: Answer[] = [];
      for (let at = 0; at < count; at++) answers.push(await askOnce(service, at));
      return answers;
    },
    doNothing: (forSeconds) =>
      atRate(forSeconds * perSecond, perSecond, async () => {
        const startedAt = performance.now();
        await (await fetch(`${gateway.url}/healthz`)).text();
        return performance.now() - startedAt;
      }),
    answer(service) {
      const responder = startLogResponder(log, { topics: [service] });
      later(() => responder.stop());
    },
    async recordsOf(service) {
      const ends = await log.offsets(
        "latest",
        partitions.map((partition) => ({ topic: service, partition })),
      );
      return ends.reduce((sum, { offset }) => sum + offset, 0);
    },
    async reportOf(service) {
      const response = await fetch(`${gateway.url}/_hearback/admission`);
      const { services: all } = (await response.json()) as { services: Record<string, Report> };
      const report = all[service];
      if (report === undefined) throw new Error(`nothing is reported of ${service}`);
      return report;
    },
    rssMiB: () => gateway.rssMiB(),
    heapMiB: () => gateway.heapMiB(),
  };
}

const fatesOf = (answers: readonly Answer[]): string => {
  const counts = new Map<string, number>();
  for (const { status, what } of answers) {
    const fate = `${status} ${what}`;
    counts.set(fate, (counts.get(fate) ?? 0) + 1);
  }
  return Array.from(counts, ([fate, count]) => `${count} × ${fate}`).join(", ");
};

const percentiles = (took: readonly number[]): string =>
  `p50 ${percentile(took, 0.5)} ms, p99 ${percentile(took, 0.99)} ms`;

const latencyOf = (answers: readonly Answer[]): string => percentiles(answers.map(({ tookMs }) => tookMs));

/** One figure a second of what workerd holds, until `work` has ended. */
async function sampled(stage: Stage, work: Promise<unknown>): Promise<readonly number[]> {
  const samples: number[] = [];
  const sampling = setInterval(() => samples.push(stage.rssMiB()), 1_000);
  try {
    await work;
  } finally {
    clearInterval(sampling);
  }
  return samples;
}

const middleOf = (samples: readonly number[]): number =>
  samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN;

test.each([
  ["without a fallback", "plain", {}, "503 circuit_open"],
  ["with a fallback", "neutral", { fallback: { body: { score: 0.5 } } }, "200 degraded"],
] as const)(
  "a service that nobody answers, %s: its topic grows by probes alone, refusals are fast, and a responder is found again",
  async (title, service, options, refusal) => {
    const isRefusal = ({ status, what }: Answer) => `${status} ${what}` === refusal;
    const stage = await startStage({ [service]: options });
    const heapBefore = await stage.heapMiB();
    const asking = stage.ask(service, seconds);
    const rss = await sampled(stage, asking);
    const answers = await asking;
    const heapAfter = await stage.heapMiB();
    const refused = answers.filter(isRefusal);
    const openedAt = Math.min(...refused.map(({ begunAt }) => begunAt));
    const waited = answers.filter(({ status }) => status === 504);
    // The first probe comes long after, and by the clock of the test some of before began in the same moment.
    const before = waited.filter(({ begunAt }) => begunAt < openedAt + openMs / 2).length;
    const probes = waited.length - before;
    const report = await stage.reportOf(service);
    const records = await stage.recordsOf(service);
    proof.add(
      `no responder, ${perSecond} req/s for ${seconds} s, timeout ${timeoutMs} ms, ${title}`,
      fatesOf(answers),
    );
    proof.add(
      `the breaker, ${title}`,
      `open ${openedAt - (answers[0]?.begunAt ?? 0)} ms after the first request; ${JSON.stringify(report.transitions)}`,
    );
    const calm = refused.filter(({ begunAt }) => begunAt >= openedAt + 2 * timeoutMs);
    proof.add(
      `answers while it was open, ${title}`,
      `${latencyOf(refused)}; once the waits of before have ended ${latencyOf(calm)}`,
    );
    proof.add(
      `records on the request topic, ${title}`,
      `${records}: ${before} before it opened and ${report.probes} counted probes`,
    );
    const [first, last] = [rss.slice(rss.length / 3, (rss.length * 2) / 3), rss.slice((rss.length * 2) / 3)];
    proof.add(
      `RSS of workerd in the second and the last third, ${title}`,
      `${middleOf(first).toFixed(1)} MiB, ${middleOf(last).toFixed(1)} MiB; JavaScript heap before and after ${heapBefore.toFixed(1)} MiB, ${heapAfter.toFixed(1)} MiB`,
    );
    expect(waited.length + refused.length).toBe(answers.length);
    expect(probes).toBe(report.probes);
    expect(records).toBe(before + report.probes);
    expect(report).toMatchObject({ admitted: records, underWay: 0 });
    expect(
      Number(
        percentile(
          refused.map(({ tookMs }) => tookMs),
          0.5,
        ),
      ),
    ).toBeLessThan(5);
    expect(middleOf(last) / middleOf(first)).toBeLessThan(1.05);

    const inTurn = await stage.askInTurn(service, 500);
    proof.add(
      `the same one after the other, and ${perSecond} a second that do nothing (GET /healthz), ${title}`,
      `${latencyOf(inTurn.filter(isRefusal))}; ${percentiles(await stage.doNothing(5))}`,
    );

    // It comes back at the worst moment: a probe has just failed.
    const { open: opened = 0 } = (await stage.reportOf(service)).transitions;
    const meanwhile = stage.ask(service, (openMs + 2 * timeoutMs) / 1_000);
    const hasOpened = async () => (await stage.reportOf(service)).transitions["open"];
    await expect.poll(hasOpened, { timeout: openMs + 2 * timeoutMs }).toBe(opened + 1);
    const returnedAt = Date.now();
    stage.answer(service);
    // Long enough for one more turn, should the machine be too slow for all that come when it closes.
    const recovering = [
      ...(await meanwhile).filter(({ begunAt }) => begunAt >= returnedAt),
      ...(await stage.ask(service, (1.5 * openMs) / 1_000)),
    ];
    const firstRight = recovering.find(({ what }) => what === "right");
    const lastOther = recovering.findLast(({ what }) => what !== "right");
    proof.add(
      `from the responder's return, ${title}`,
      `first answer after ${(((firstRight?.begunAt ?? Number.NaN) - returnedAt) / 1_000).toFixed(1)} s, none but right ones from ${(((lastOther?.begunAt ?? returnedAt) - returnedAt) / 1_000).toFixed(1)} s on; ${fatesOf(recovering)}`,
    );
    expect((firstRight?.begunAt ?? Infinity) - returnedAt).toBeLessThan(openMs + 2 * timeoutMs);
    expect(recovering.slice(-perSecond).filter(({ what }) => what !== "right")).toEqual([]);
    expect((await stage.reportOf(service)).transitions["closed"]).toBeGreaterThan(0);
  },
  600_000,
);

test("a dead service beside two others: their latencies next to a run without it, and next to one with no breaker", async () => {
  const each = 40;
  const beside = ["first", "second"] as const;
  const latencies = async (dead?: Partial<ServiceOptions>): Promise<readonly number[]> => {
    const stage = await startStage({
      // So that all of their latencies are seen, however late.
      first: { timeoutMs: 20_000 },
      second: { timeoutMs: 20_000 },
      ...(dead === undefined ? {} : { dead }),
    });
    for (const service of beside) stage.answer(service);
    // Until the drain runs and both have shown their habit.
    await Promise.all(beside.map((service) => stage.ask(service, 3, each)));
    const load = dead === undefined ? undefined : stage.ask("dead", seconds / 2, each);
    const answers = (
      await Promise.all(beside.map((service) => stage.ask(service, seconds / 2, each)))
    ).flat();
    const title =
      load === undefined
        ? "alone"
        : `beside a dead one ${dead?.breaker === false ? "without a breaker, capacity 20" : "with its breaker"}`;
    proof.add(
      `two services of ${each} req/s each for ${seconds / 2} s, ${title}`,
      `${latencyOf(answers)}; ${fatesOf(answers)}${load === undefined ? "" : `; the dead one: ${fatesOf(await load)}`}`,
    );
    expect(answers.filter(({ what }) => what !== "right")).toEqual([]);
    return answers.map(({ tookMs }) => tookMs);
  };
  const alone = Number(percentile(await latencies(), 0.99));
  const withBreaker = Number(percentile(await latencies({}), 0.99));
  await latencies({ breaker: false, capacity: 20 });
  expect(withBreaker).toBeLessThan(1.5 * alone + 10);
}, 600_000);

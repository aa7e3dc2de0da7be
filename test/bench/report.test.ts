// The report of the bench: what raw units come to, and that it notices what does not agree with them.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeHistogram, newHistogram, recordMs } from "../../bench/load/histogram.ts";
import type { Measurement, Unit } from "../../bench/raw.ts";
import { summarize, verifyReport, writeReport, type TargetResult } from "../../bench/report/index.ts";
import { writeUnit } from "../../bench/store.ts";
import * as synthetic from "./synthetic-run.ts";

const { answers, comparison, environment, founding, measurement, run, scale, unit, usualPaces } = synthetic;

function targetIn(units: readonly Unit[], id: string): TargetResult {
  const found = summarize(units).targets.find((target) => target.id === id);
  if (found === undefined) throw new Error(`there is no target ${id}`);
  return found;
}

/** With one of its measurements changed. */
function changed(from: Unit, name: string, to: Partial<Measurement>): Unit {
  const measurements = from.measurements.map((each) => (each.name === name ? { ...each, ...to } : each));
  expect(measurements).not.toEqual(from.measurements);
  return { ...from, measurements };
}

const ours = (round: number) => comparison(round, "hearback-memory", usualPaces["hearback-memory"]);

describe("what measurements come to", () => {
  test("percentiles are those of all rounds together, and each round's are beside them", () => {
    const load = (times: readonly number[]) => {
      const latency = newHistogram();
      for (const ms of times) recordMs(latency, ms);
      return { latency: encodeHistogram(latency), fates: { right: times.length } };
    };
    const [first, second] = [[1, 1, 1, 1, 1, 1], [9]].map((times, at) =>
      unit(`compare-${at + 1}-redis`, [
        measurement("rate-100", "redis", { perSecond: 100, ms: 1, ...load(times) }),
      ]),
    );
    const [redis] = summarize([first, second].filter((each) => each !== undefined)).contenders;
    // The median of the rounds' own would be 5.
    expect(redis?.atFixedRate?.times).toMatchObject({ p50: 1, max: expect.closeTo(9, 1) });
    expect(redis?.atFixedRate?.rounds.map(({ times }) => times?.p50)).toEqual([1, expect.closeTo(9, 1)]);
    expect(redis?.atFixedRate?.fates).toEqual({ right: 7 });
    expect(redis?.knee).toBe(null);
  });

  test("the knee is the median of the rounds' highest rates that held, and what is above it is said", () => {
    const units = [900, 1_200, 2_000].map((knee, at) =>
      comparison(at + 1, "hearback-memory", { ms: 2.5, knee }),
    );
    const [{ knee } = { knee: null }] = summarize(units).contenders;
    expect(knee?.rounds.map(({ perSecond }) => perSecond)).toEqual([845, 1_145, 1_910]);
    expect(knee?.median).toBe(1_145);
    expect(knee?.rounds[1]?.above).toMatch(/^1270\/s: p99 \d+ ms, 7 × 503; of a core: workerd \d+ %/);
  });

  test("a rate that held when it was repeated counts for the knee, and of one that did not the repeat is shown", () => {
    const failed = { perSecond: 200, ms: 3, fates: { right: answers, "503": 1 } };
    const ramp = [
      measurement("ramp-200", "redis", failed),
      measurement("ramp-200-again", "redis", { perSecond: 200, ms: 3 }),
      measurement("ramp-300", "redis", { ...failed, perSecond: 300 }),
      measurement("ramp-300-again", "redis", { perSecond: 300, ms: 3, fates: { right: answers, "504": 2 } }),
    ];
    const [{ knee } = { knee: null }] = summarize([unit("compare-1-redis", ramp)]).contenders;
    expect(knee?.median).toBe(200);
    expect(knee?.rounds[0]?.above).toMatch(/^300\/s: .*2 × 504/);
  });

  test("CPU time counts for each request that was begun, by process", () => {
    const load = {
      perSecond: 100,
      ms: 1,
      fates: { right: answers, "503": 100, "not sent": 800 },
      processes: [{ name: "node", cpuSeconds: 0.4, peakMiB: 90 }],
    };
    const units = [unit("compare-1-nestjs", [measurement("rate-100", "nestjs", load)])];
    expect(summarize(units).contenders[0]?.atFixedRate).toMatchObject({
      cpuMs: { node: 2 },
      peakMiB: { node: 90 },
    });
  });
});

describe("targets", () => {
  test("all are reached by a run that is good enough, and each has figures", () => {
    const { targets } = summarize(run());
    expect(targets.filter(({ reached }) => !reached)).toEqual([]);
    expect(targets.filter(({ value }) => !/\d/.test(value))).toEqual([]);
    expect(new Set(targets.map(({ id }) => id)).size).toBe(targets.length);
    expect(new Set(targets.map(({ group }) => group))).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  });

  test("without units none is reached, and each says that it was not measured", () => {
    const { targets } = summarize([]);
    expect(new Set(targets.map(({ value, reached }) => `${value}, ${reached}`))).toEqual(
      new Set(["not measured, false"]),
    );
  });

  test("what its units are missing for is not measured, and the others are", () => {
    const units = run().filter(({ unit: name }) => !name.endsWith("-spring") && !name.startsWith("founding"));
    const missing = summarize(units).targets.filter(({ value }) => value === "not measured");
    expect(missing.map(({ id }) => id)).toEqual([
      "p50-below-spring",
      "p99-vs-spring",
      "knee-vs-spring",
      "founding-p50",
      "founding-p95",
      "founding-p99",
      "founding-throughput",
      "founding-errors",
      "founding-backlog",
    ]);
    expect(missing.some(({ reached }) => reached)).toBe(false);
  });

  const slow = { ms: 5.1, knee: 1_200 };
  const weak = { ms: 2.5, knee: 500 };
  test.each([
    { what: "is slower than NestJS", id: "p50-below-nestjs", units: run({ "hearback-memory": slow }, 1) },
    {
      what: "is slower than the floor by more",
      id: "p50-vs-floor",
      units: run({ "hearback-memory": slow }, 1),
    },
    { what: "has a higher p99 than Spring", id: "p99-vs-spring", units: run({ "hearback-memory": slow }, 1) },
    {
      what: "has a lower knee than NestJS",
      id: "knee-above-nestjs",
      units: run({ "hearback-memory": weak }, 1),
    },
    {
      what: "has less than half of Spring's",
      id: "knee-vs-spring",
      units: run({ "hearback-memory": weak }, 1),
    },
  ])("whoever $what does not reach $id, and figures say why", ({ id, units }) => {
    const { reached, why, value } = targetIn(units, id);
    expect(reached).toBe(false);
    expect(value).toMatch(/^\d+(\.\d+)? × /);
    expect(why).toMatch(/workerd/);
  });

  test("as fast as Spring is no worse than Spring, but not below it", () => {
    const units = run({ spring: usualPaces["hearback-memory"] }, 1);
    expect(targetIn(units, "p99-vs-spring").reached).toBe(true);
    expect(targetIn(units, "p50-below-spring").reached).toBe(false);
  });

  test("the founding document's table is for 5 minutes, below its latencies and without an error", () => {
    const short = changed(founding(), "steady", { seconds: 30 });
    expect(targetIn([short], "founding-throughput").reached).toBe(false);
    expect(targetIn([founding(55)], "founding-p50").reached).toBe(false);
    const refused = changed(founding(), "steady", { fates: { right: answers, "503": 1 } });
    expect(targetIn([refused], "founding-errors")).toMatchObject({ reached: false, value: "0.99 %" });
    const growing = founding().figures.map((figure) => ({ ...figure, value: 210 }));
    expect(targetIn([{ ...founding(), figures: growing }], "founding-backlog").reached).toBe(false);
    const unknown = founding().figures.map((figure) => ({ ...figure, value: Number.NaN }));
    expect(targetIn([{ ...founding(), figures: unknown }], "founding-backlog").value).toBe("not measured");
  });

  test.each([
    ["waiting-memory", "open-10000.kb-per-waiter", 40, 40.1],
    ["waiting-idle-cpu", "open-10000.idle-cpu-percent", 1, 1.1],
    ["waiting-504", "open-10000.late-504-max-ms", 50, 51],
  ])("%s is reached at its bound, and not above it", (id, figure, bound, above) => {
    expect(targetIn([scale({ [figure]: bound })], id).reached).toBe(true);
    expect(targetIn([scale({ [figure]: above })], id).reached).toBe(false);
    expect(targetIn([scale({ "open-10000.open": 9_999 })], id).reached).toBe(false);
    expect(targetIn([scale({ [figure]: Number.NaN })], id).value).toBe("not measured");
  });

  test("a request that waits and ends in another way than its 504 has none in time", () => {
    expect(targetIn([scale({ "open-10000.other-ends": 1 })], "waiting-504").reached).toBe(false);
  });
});

describe("nothing lost or wrong", () => {
  test.each(["floor", "hearback-memory", "redis"] as const)(
    "one wrong answer of %s, in whatever measurement, is found",
    (contender) => {
      const own = comparison(1, contender, usualPaces[contender]);
      const wrong = changed(own, "ramp-300", { fates: { right: answers, wrong: 1 } });
      expect(targetIn([own], "nothing-wrong").reached).toBe(true);
      expect(targetIn([wrong], "nothing-wrong")).toMatchObject({
        reached: false,
        why: expect.stringContaining("ramp-300"),
      });
    },
  );

  test.each(["no answer", "504"])("a request below the knee that ends in %s is lost", (fate) => {
    const fates = { right: answers, [fate]: 1 };
    expect(targetIn([ours(1)], "nothing-lost").reached).toBe(true);
    expect(targetIn([changed(ours(1), "half-knee", { fates })], "nothing-lost").reached).toBe(false);
    expect(targetIn([changed(ours(1), "ramp-1525", { fates })], "nothing-lost").reached).toBe(true);
    expect(targetIn([ours(1), changed(founding(), "steady", { fates })], "nothing-lost").reached).toBe(false);
  });

  test("a wait that ends in its timeout at scale is no loss, and one without an answer is", () => {
    const open = (fate: string) => changed(scale(), "open", { perSecond: 900, fates: { [fate]: 1 } });
    expect(targetIn([ours(1), open("504")], "nothing-lost").reached).toBe(true);
    expect(targetIn([ours(1), open("no answer")], "nothing-lost").reached).toBe(false);
  });

  test.each([
    { what: "a reply without a verdict", ledger: { read: 101, verdicts: { accepted: 100 }, inFlight: 0 } },
    { what: "a verdict too many", ledger: { read: 100, verdicts: { accepted: 100, late: 1 }, inFlight: 0 } },
    {
      what: "an answer that was not accepted",
      ledger: { read: 99, verdicts: { accepted: 99 }, inFlight: 0 },
    },
  ])("$what is found in the ledger", ({ ledger }) => {
    expect(targetIn([ours(1)], "ledger-balances").reached).toBe(true);
    expect(targetIn([changed(ours(1), "rate-100", { ledger })], "ledger-balances").reached).toBe(false);
  });
});

describe("a report that is written", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "hearback-bench-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function write(units: readonly Unit[]): void {
    for (const each of units) writeUnit(folder, each);
    writeReport(folder, units, environment);
  }
  const edit = (file: string, from: string | RegExp, to: string) => {
    const text = readFileSync(join(folder, file), "utf8");
    expect(text).toMatch(from);
    writeFileSync(join(folder, file), text.replace(from, to));
  };

  test("agrees with its units, and has charts without gaps in what they say", () => {
    write(run({}, 1));
    expect(verifyReport(folder)).toEqual([]);
    const readme = readFileSync(join(folder, "README.md"), "utf8");
    const charts = [...readme.matchAll(/!\[.*?\]\((.*?)\)/g)].map(([, file = ""]) => file);
    expect(charts).toHaveLength(3);
    for (const file of charts) {
      const svg = readFileSync(join(folder, file), "utf8");
      expect(svg).toContain(file === "cpu.svg" ? "workerd" : "NestJS ClientKafka");
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
    expect(readme).not.toMatch(/NaN|undefined|null|Infinity/);
  });

  test("of a part of a run has no charts that show nothing, and agrees too", () => {
    write([scale()]);
    expect(verifyReport(folder)).toEqual([]);
    expect(existsSync(join(folder, "cpu.svg"))).toBe(false);
    expect(readFileSync(join(folder, "README.md"), "utf8")).not.toContain(".svg");
  });

  test.each([
    {
      file: "summary.json",
      from: '"reached": true',
      to: '"reached": false',
      differs: /p50-vs-floor\.reached/,
    },
    {
      file: "summary.json",
      from: /"median": \d+/,
      to: '"median": 9999',
      differs: /floor\.knee\.median: 9999/,
    },
    { file: "README.md", from: "1.25 ×", to: "1.05 ×", differs: /README\.md/ },
  ])("that was changed in $file, $from, no longer agrees", ({ file, from, to, differs }) => {
    write(run({}, 1));
    edit(file, from, to);
    expect(verifyReport(folder)).toEqual([expect.stringMatching(differs)]);
  });

  test("does not agree with units that were changed, of which one is missing, or which count otherwise", () => {
    write([ours(1), ours(2), founding()]);
    writeUnit(folder, changed(founding(), "steady", { latency: synthetic.latencyOf(30) }));
    expect(verifyReport(folder).join("\n")).toMatch(/founding-p50\.value: "24\.\d+ ms" is stored, "36\./);
    writeUnit(folder, changed(founding(), "steady", { fates: { right: answers + 1 } }));
    expect(verifyReport(folder)).toContainEqual(
      `founding-1000, steady: ${answers} latencies of ${answers + 1} right answers`,
    );
    writeUnit(folder, founding());
    expect(verifyReport(folder)).toEqual([]);
    rmSync(join(folder, "raw", "compare-2-hearback-memory.json"));
    expect(verifyReport(folder)).not.toEqual([]);
  });
});

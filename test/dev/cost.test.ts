// The cost model against the figures that were reckoned by hand before it (Cloudflare's list of November 2026), its command
// line, and its table of the document.

import { expect, test } from "vitest";
import { withTables } from "../../dev/cost/document.ts";
import {
  deploymentPerMonth,
  perMonth,
  perRequest,
  type Design,
  type Measured,
  type Workload,
} from "../../dev/cost/model.ts";
import { defaultWorkload, parseCostOptions } from "../../dev/cost/options.ts";
import { listPrice, monthlyBill, noUnits, sumOf, timesOf, totalOf } from "../../dev/cost/prices.ts";
import { spin } from "../../dev/cost/spinning.ts";
import { runCommand } from "../support/command.ts";

/** As the reckoning by hand has it: 20 ms in the handlers, 5 ms of CPU. */
const byHand: Measured = {
  handlerMs: {
    plain: { parked: 20, hibernated: 20 },
    durable: { parked: 20, hibernated: 20 },
    async: { parked: 20, hibernated: 20 },
  },
  cpuMs: {
    plain: { held: 5, parked: 5 },
    durable: { held: 5, parked: 5 },
    async: { held: 5, parked: 5 },
  },
  storedBytes: 12_288,
};

const plainWaits = (waitSeconds: number): Workload => ({
  ...defaultWorkload,
  waitSeconds,
  spread: 0,
  durableShare: 0,
  timeoutSeconds: 90,
});

const perMillion = (workload: Workload, design: Design, bound: "low" | "high" = "low") =>
  listPrice(timesOf(perRequest(workload, design, byHand)[bound], 1_000_000));

/** Requests of objects, and their duration; to a cent. */
function objectPart(waitSeconds: number, design: Design, bound: "low" | "high" = "low"): number {
  const { objectRequests, objectGbSeconds } = perMillion(plainWaits(waitSeconds), design, bound);
  return Math.round((objectRequests + objectGbSeconds) * 100) / 100;
}

test.each([
  { waitSeconds: 0.5, hold: 1.13, park: 0.33, poll: 0.51 },
  { waitSeconds: 2, hold: 3.53, park: 0.33, poll: 1.61 },
  { waitSeconds: 10, hold: 16.33, park: 0.33, poll: 7.43 },
  { waitSeconds: 30, hold: 48.33, park: 0.33, poll: 21.99 },
])(
  "waits of $waitSeconds s take what was reckoned by hand of objects: held, parked, polled",
  ({ waitSeconds, hold, park, poll }) => {
    expect(objectPart(waitSeconds, "hold")).toBe(hold);
    expect(objectPart(waitSeconds, "park")).toBe(park);
    expect(objectPart(waitSeconds, { pollEverySeconds: 0.25 })).toBe(poll);
  },
);

test("what each request takes beside its object is what was reckoned by hand", () => {
  const { workerRequests, workerCpuMs } = perMillion(plainWaits(2), "park");
  expect(workerRequests + workerCpuMs).toBeCloseTo(0.4);
});

test("a park takes its two rows, and a durable exchange its seven", () => {
  expect(perMillion(plainWaits(2), "park").rowsWritten).toBeCloseTo(2);
  expect(perMillion(plainWaits(2), "hold").rowsWritten).toBe(0);
  expect(perMillion({ ...plainWaits(2), durableShare: 1 }, "park").rowsWritten).toBeCloseTo(7);
});

test("the upper bound has ten seconds more for each time that an object is left alone", () => {
  const tail = 10 * 1.6;
  expect(objectPart(2, "hold", "high")).toBeCloseTo(3.53 + tail);
  // Idle for the wait itself, too, until it hibernates.
  expect(objectPart(2, "park", "high")).toBeCloseTo(0.33 + 2 * 1.6 + tail);
  expect(objectPart(30, "park", "high")).toBeCloseTo(0.33 + tail + tail);
});

test("a drain that is always awake and a cron of every minute take what was reckoned by hand", () => {
  const { objectGbSeconds, workerRequests } = deploymentPerMonth(plainWaits(2), "hold");
  expect(objectGbSeconds).toBeCloseTo(336_384, -2);
  expect(workerRequests).toBe(43_800);
});

test("a drain that is asked for once in an hour sleeps most of it", () => {
  const seldom = deploymentPerMonth({ ...plainWaits(2), ratePerSecond: 1 / 3_600 }, "hearback");
  const always = deploymentPerMonth(plainWaits(2), "hearback");
  expect(seldom.objectGbSeconds / always.objectGbSeconds).toBeLessThan(0.05);
  expect(seldom.objectGbSeconds).toBeGreaterThan(0);
});

test("what is included is not paid for, and the minimum always is", () => {
  expect(monthlyBill(noUnits)).toBe(5);
  expect(monthlyBill(sumOf({ objectRequests: 1_000_000, rowsWritten: 50_000_000 }))).toBe(5);
  expect(monthlyBill(sumOf({ objectRequests: 3_000_000, workerRequests: 11_000_000 }))).toBeCloseTo(5.6);
});

test("the shipped rule is never much dearer than the better of holding and parking, and cheaper where waits differ", () => {
  for (const waitSeconds of [0.05, 0.2, 1, 2, 10, 30]) {
    for (const spread of [0, 0.5, 2]) {
      const workload = { ...plainWaits(waitSeconds), spread };
      const price = (design: Design) => totalOf(perMillion(workload, design));
      expect(price("hearback")).toBeLessThan(Math.min(price("hold"), price("park")) * 1.15 + 0.1);
    }
  }
});

test("all waits end in one of the ways, and none is held longer than it lasts", () => {
  for (const rule of ["shipped", "always", "never"] as const) {
    for (const meanSeconds of [0.1, 1, 12]) {
      const spun = spin(rule, { meanSeconds, spread: 1, longestSeconds: 60, perIsolate: 500 });
      expect(spun.held + spun.parked + spun.hibernated).toBeCloseTo(1);
      expect(spun.heldSeconds).toBeLessThanOrEqual(spun.meanSeconds + 1e-9);
      expect(spun.heldInVain).toBeLessThanOrEqual(spun.parked + spun.hibernated);
    }
  }
});

test("the mean of what is drawn is the mean that was asked for", () => {
  const { meanSeconds } = spin("always", {
    meanSeconds: 2,
    spread: 0.5,
    longestSeconds: 90,
    perIsolate: 4_000,
  });
  expect(meanSeconds).toBeCloseTo(2, 1);
});

test("a reply too large for its row has rows of its own", () => {
  const rows = (replyBytes: number) =>
    perRequest({ ...defaultWorkload, durableShare: 1, replyBytes }, "hold", byHand).low.rowsWritten;
  expect(rows(256 * 1024)).toBeCloseTo(5);
  expect(rows(256 * 1024 + 1)).toBeCloseTo(6);
});

test("a month is its requests, the drain, and nothing else", () => {
  const workload = { ...plainWaits(2), ratePerSecond: 1 };
  const { low } = perMonth(workload, "park", byHand);
  const requests = 730 * 3_600;
  const deployment = deploymentPerMonth(workload, "park");
  expect(low.workerRequests).toBeCloseTo(requests + 43_800);
  expect(low.objectRequests).toBeCloseTo(2 * requests + deployment.objectRequests);
});

test.each([
  [["--rate", "fast"], "--rate"],
  [["--rate", "0"], "--rate"],
  [["--wait", "-1"], "--wait"],
  [["--durable", "1.5"], "--durable"],
  [["--durable", "0.6", "--async", "0.6"], "--async"],
  [["--wait", "20", "--timeout", "10"], "--timeout"],
  [["--reply-bytes", "1.5"], "--reply-bytes"],
  [["--speed", "3"], "--speed"],
])("%j is refused, and the option named", (args, named) => {
  const parsed = parseCostOptions(args);
  expect(parsed.kind).toBe("wrong");
  expect(parsed.kind === "wrong" && parsed.message.split("\n")[0]).toContain(named);
});

test("the timeout follows the wait, unless it is said", () => {
  const timeoutOf = (...args: string[]) => {
    const parsed = parseCostOptions(args);
    return parsed.kind === "run" ? parsed.options.workload.timeoutSeconds : undefined;
  };
  expect(timeoutOf("--wait", "2")).toBe(10);
  expect(timeoutOf("--wait", "30")).toBe(90);
  expect(timeoutOf("--wait", "30", "--timeout", "40")).toBe(40);
});

test("the command prints a table, and all of it for machines", async () => {
  const args = ["dev/cost/main.ts", "--rate", "100", "--wait", "2", "--durable", "0.1"];
  const shown = runCommand(process.execPath, [...args, "--free"]);
  expect(await shown.ended).toBe(0);
  expect(shown.output()).toMatch(/hold by RPC .* Hearback/);
  expect(shown.output()).toContain("Workers Free");
  const told = runCommand(process.execPath, [...args, "--json"]);
  expect(await told.ended).toBe(0);
  const { designs } = JSON.parse(told.output()) as {
    designs: { design: string; low: { billUsd: number } }[];
  };
  expect(designs.map(({ design }) => design)).toEqual(["hold by RPC", "park at once", "Hearback"]);
  for (const { low } of designs) expect(low.billUsd).toBeGreaterThan(5);
});

test("a table goes between its marks, and one without a place is missed", () => {
  const document = "before\n<!-- table: one -->\nold\n<!-- end -->\nafter";
  expect(withTables(document, { one: "new" })).toBe(
    "before\n<!-- table: one -->\n\nnew\n\n<!-- end -->\nafter",
  );
  expect(() => withTables(document, { one: "new", two: "new" })).toThrow("two");
  expect(() => withTables(document, {})).toThrow("one");
});

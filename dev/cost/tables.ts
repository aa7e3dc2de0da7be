// What the model says, as tables in Markdown: the same on the screen and in docs/cost.md. Words and columns only.

import { table } from "../markdown.ts";
import { kinds } from "./counts.ts";
import {
  deploymentPerMonth,
  perMonth,
  perRequest,
  secondsAMonth,
  waitsOf,
  type Design,
  type Estimate,
  type Measured,
  type Workload,
} from "./model.ts";
import {
  items,
  listPrice,
  monthlyBill,
  prices,
  timesOf,
  totalOf,
  type Item,
  type Price,
  type Units,
} from "./prices.ts";

export function nameOfDesign(design: Design): string {
  if (typeof design === "object") return `poll every ${design.pollEverySeconds} s`;
  return { hold: "hold by RPC", park: "park at once", hearback: "Hearback" }[design];
}

/** USD per million requests, item by item; each design in a column of its own. */
export function itemTable(workload: Workload, designs: readonly Design[], measured: Measured): string {
  const estimates = designs.map((design) => {
    const { low, high } = perRequest(workload, design, measured);
    return { low: listPrice(timesOf(low, 1_000_000)), high: listPrice(timesOf(high, 1_000_000)) };
  });
  const row = (item: Item) => [
    prices[item].name,
    ...estimates.map(({ low, high }) => range(low[item], high[item])),
  ];
  const sum = (name: string, withLogs: boolean) => [
    name,
    ...estimates.map(({ low, high }) => range(totalOf(low, { withLogs }), totalOf(high, { withLogs }))),
  ];
  return table(
    ["USD per million requests", ...designs.map(nameOfDesign)],
    [
      ...items.filter((item) => item !== "logEvents").map(row),
      sum("together", false),
      row("logEvents"),
      sum("with logs", true),
    ],
  );
}

/** USD of a month: by the list, and what is left to pay with what is included and the minimum. */
export function monthTable(workload: Workload, designs: readonly Design[], measured: Measured): string {
  const ofMonth = (design: Design, of: (units: Units) => number) => {
    const { low, high } = perMonth(workload, design, measured);
    return range(of(low), of(high));
  };
  const withoutLogs = (units: Units): Units => ({ ...units, logEvents: 0 });
  return table(
    ["USD a month", ...designs.map(nameOfDesign)],
    [
      ["by the list", ...designs.map((design) => ofMonth(design, (units) => listed(withoutLogs(units))))],
      [
        "of it the drain, nudges and the cron",
        ...designs.map((design) => usd(listed(withoutLogs(deploymentPerMonth(workload, design))))),
      ],
      [
        "less what is included, with the minimum",
        ...designs.map((design) => ofMonth(design, (units) => monthlyBill(withoutLogs(units)))),
      ],
      ["the same with logs", ...designs.map((design) => ofMonth(design, monthlyBill))],
    ],
  );
}

const listed = (units: Units): number => totalOf(listPrice(units));

/** How many requests a day Workers Free takes, by each of its limits, with the drain that they keep awake. */
export function freeTable(workload: Workload, designs: readonly Design[], measured: Measured): string {
  const limited = items.filter((item) => limitOf(item) !== undefined);
  const most = (item: Item, design: Design): number => {
    const each = perRequest(workload, design, measured).low[item];
    const limit = limitOf(item) ?? 0;
    const fits = (requests: number): boolean => {
      const deployment = deploymentPerMonth({ ...workload, ratePerSecond: requests / secondsADay }, design);
      return each * requests + (deployment[item] * secondsADay) / secondsAMonth <= limit;
    };
    let [fitting, tooMany] = [0, 1e9];
    while (tooMany - fitting > 1) {
      const middle = Math.floor((fitting + tooMany) / 2);
      if (fits(middle)) fitting = middle;
      else tooMany = middle;
    }
    return fitting;
  };
  const show = (requests: number): string => requests.toLocaleString("en-US");
  const all = limited.map((item) => ({ item, most: designs.map((design) => most(item, design)) }));
  return table(
    ["requests a day on Workers Free, by its limit", ...designs.map(nameOfDesign)],
    [
      ...all.map((row) => [
        `${(limitOf(row.item) ?? 0).toLocaleString("en-US")} ${prices[row.item].name}`,
        ...row.most.map(show),
      ]),
      ["by all of them", ...designs.map((_, at) => show(Math.min(...all.map((row) => row.most[at] ?? 0))))],
    ],
  );
}

const secondsADay = 86_400;

const limitOf = (item: Item): number | undefined => (prices[item] as Price).freeADay;

/** USD per million by kind and wait, without logs. */
export function waitTable(
  workload: Workload,
  seconds: readonly number[],
  designs: readonly Design[],
  measured: Measured,
): string {
  const rows = kinds.flatMap((kind) =>
    seconds.map((waitSeconds) => {
      const ofKind = {
        ...workload,
        waitSeconds,
        timeoutSeconds: timeoutFor(workload, waitSeconds),
        durableShare: kind === "durable" ? 1 : 0,
        asyncShare: kind === "async" ? 1 : 0,
      };
      const price = (estimate: Estimate) => (bound: keyof Estimate) =>
        totalOf(listPrice(timesOf(estimate[bound], 1_000_000)), { withLogs: false });
      return [
        kind,
        `${waitSeconds} s`,
        ...designs.map((design) => {
          const of = price(perRequest(ofKind, design, measured));
          return range(of("low"), of("high"));
        }),
      ];
    }),
  );
  return table(["kind", "mean wait", ...designs.map(nameOfDesign)], rows, 2);
}

/** How the waits of a service end by the shipped rule, for each mean. */
export function spinTable(workload: Workload, seconds: readonly number[]): string {
  // What is left of one may be a hair below zero.
  const percent = (share: number) => `${(Math.max(share, 0) * 100).toFixed(1)} %`;
  return table(
    [
      "mean wait",
      "answered in the hold",
      "held in vain, then parked",
      "parked at once",
      "hibernated",
      "seconds held",
    ],
    seconds.map((waitSeconds) => {
      const timeoutSeconds = timeoutFor(workload, waitSeconds);
      const spun = waitsOf({ ...workload, waitSeconds, timeoutSeconds }, "hearback");
      const atOnce = 1 - spun.held - spun.heldInVain;
      return [
        `${waitSeconds} s`,
        ...[spun.held, spun.heldInVain, atOnce, spun.hibernated].map(percent),
        spun.heldSeconds.toFixed(3),
      ];
    }),
  );
}

/** As an operator would set it. */
const timeoutFor = (workload: Workload, waitSeconds: number): number =>
  Math.max(workload.timeoutSeconds, waitSeconds * 3);

/** The list, as far as it is used here. */
export function priceTable(): string {
  return table(
    ["item", "USD", "included in a month", "source"],
    items.map((item) => {
      const { name, usd: price, per, included, source } = prices[item];
      const unit = per === 1 ? "each" : "per million";
      return [name, `${price} ${unit}`, included.toLocaleString("en-US"), `[list](${source})`];
    }),
    4,
  );
}

function range(low: number, high: number): string {
  return usd(low) === usd(high) ? usd(low) : `${usd(low)} … ${usd(high)}`;
}

function usd(amount: number): string {
  return amount.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

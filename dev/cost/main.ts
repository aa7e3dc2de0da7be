// `npm run cost`: what a deployment costs. Prints, or writes the tables of docs/cost.md; the figures are made elsewhere.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { optionsOrExit } from "../command-line.ts";
import { documentTables, withTables } from "./document.ts";
import { readMeasured } from "./measured.ts";
import { perMonth, perRequest, secondsAMonth, type Measured } from "./model.ts";
import { parseCostOptions, type CostOptions } from "./options.ts";
import { listPrice, monthlyBill } from "./prices.ts";
import { freeTable, itemTable, monthTable, nameOfDesign } from "./tables.ts";

const document = fileURLToPath(new URL("../../docs/cost.md", import.meta.url));

function show({ workload, designs, isFree }: CostOptions, measured: Measured): string {
  const { ratePerSecond, waitSeconds, spread, durableShare, asyncShare } = workload;
  const million = ((ratePerSecond * secondsAMonth) / 1_000_000).toLocaleString("en-US", {
    maximumSignificantDigits: 3,
  });
  const percent = (share: number) => `${Math.round(share * 1_000) / 10} %`;
  const tables = [itemTable, monthTable, ...(isFree ? [freeTable] : [])];
  return [
    `${ratePerSecond} requests/s (${million} million a month), mean wait ${waitSeconds} s, spread ${spread}; ${percent(durableShare)} durable, ${percent(asyncShare)} asynchronous`,
    ...tables.map((each) => each(workload, designs, measured)),
    "Two figures: without and with the seconds in which an object that nobody calls is still in memory. docs/cost.md says what is counted, and what is assumed.",
  ].join("\n\n");
}

function figures({ workload, designs }: CostOptions, measured: Measured): unknown {
  return {
    workload,
    measured,
    designs: designs.map((design) => {
      const [each, month] = [perRequest(workload, design, measured), perMonth(workload, design, measured)];
      const priced = (bound: "low" | "high") => ({
        perRequest: each[bound],
        perMonth: month[bound],
        usdPerMonth: listPrice(month[bound]),
        billUsd: monthlyBill(month[bound]),
      });
      return { design: nameOfDesign(design), low: priced("low"), high: priced("high") };
    }),
  };
}

const options = optionsOrExit(parseCostOptions(process.argv.slice(2)));
const measured = readMeasured();
if (options.write) {
  writeFileSync(document, withTables(readFileSync(document, "utf8"), documentTables(measured)));
} else {
  console.log(
    options.isJson ? JSON.stringify(figures(options, measured), undefined, 2) : show(options, measured),
  );
}

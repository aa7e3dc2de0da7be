// The command line of `npm run bench`: parsing and defaults only.

import { parseArgs } from "node:util";
import { parseCommandLine, type Parsed } from "../dev/command-line.ts";

export interface BenchCommand {
  /** What is asked for by name: sections, contenders, units; nothing: all of it. */
  readonly only: readonly string[];
  readonly isSmoke: boolean;
  readonly isFresh: boolean;
  /** `run` measures; `verify` and `report` read what was measured. */
  readonly action: "run" | "verify" | "report";
  readonly results: string;
}

export const benchUsage = `npm run bench -- [options]
Hearback beside what else answers HTTP from Kafka, on one real broker: about 40 minutes on two idle cores. What has been
measured is kept, and not measured again: a run that was ended goes on where it was. Needs Linux, Java and Maven.
  --only LIST        some of it: sections (compare, founding, scale), contenders (spring, ...), units (compare-1-spring, ...)
  --smoke            each contender once and small, a minute: whether it works, not how fast it is (default folder
                     .hearback/bench); scale too with --only scale
  --fresh            forgets what has been measured of what it is to run
  --verify           computes the summary again from the raw histograms and compares (exit code 1: they differ)
  --report           writes summary, tables and charts again from what has been measured
  --results DIR      where it is kept (default bench/results)
  --help             this text`;

export function parseBenchOptions(args: readonly string[]): Parsed<BenchCommand> {
  return parseCommandLine(benchUsage, () => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: "string", default: "" },
        smoke: { type: "boolean", default: false },
        fresh: { type: "boolean", default: false },
        verify: { type: "boolean", default: false },
        report: { type: "boolean", default: false },
        results: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return undefined;
    if (values.verify && values.report) throw new Error("--verify and --report exclude each other");
    return {
      only: values.only === "" ? [] : values.only.split(","),
      isSmoke: values.smoke,
      isFresh: values.fresh || values.smoke,
      action: values.verify ? "verify" : values.report ? "report" : "run",
      results: values.results ?? (values.smoke ? ".hearback/bench" : "bench/results"),
    };
  });
}

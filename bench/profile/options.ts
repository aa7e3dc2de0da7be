// The command line of `npm run bench:profile`: parsing and defaults only.

import { parseArgs } from "node:util";
import { numberOf, parseCommandLine, type Parsed } from "../../dev/command-line.ts";

export interface ProfileOptions {
  /** Requests per second while CPU is profiled. */
  readonly rate: number;
  /** Of each of the two measurements; warm-up comes before. */
  readonly seconds: number;
  /** Requests per second of the exchanges whose steps are timed. */
  readonly stepsRate: number;
  readonly results: string;
}

export const profileUsage = `npm run bench:profile -- [options]
Where the time and the CPU of one exchange go: Hearback with its waiters in memory, real Kafka, the kit as responder.
  --rate N         requests per second while CPU is profiled (default 200)
  --steps-rate N   requests per second while the steps of exchanges are timed (default 100)
  --seconds N      of each of the two (default 30)
  --results DIR    where profile.md and profile-*.svg go (default bench/results)
  --help           this text`;

export function parseProfileOptions(args: readonly string[]): Parsed<ProfileOptions> {
  return parseCommandLine(profileUsage, () => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        rate: { type: "string", default: "200" },
        "steps-rate": { type: "string", default: "100" },
        seconds: { type: "string", default: "30" },
        results: { type: "string", default: "bench/results" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return undefined;
    return {
      rate: numberOf("--rate", values.rate, 1, 10_000),
      stepsRate: numberOf("--steps-rate", values["steps-rate"], 1, 10_000),
      seconds: numberOf("--seconds", values.seconds, 1, 3_600),
      results: values.results,
    };
  });
}

// The command line of `npm run chaos`: parsing and defaults only.

import { parseArgs } from "node:util";
import { numberOf, parseCommandLine, type Parsed } from "../../dev/command-line.ts";
import { targets, type Target } from "./journal.ts";
import { usual } from "./presets.ts";

export interface ChaosCommand {
  readonly minutes: number;
  readonly seed: number;
  readonly rate: number;
  readonly targets: readonly Target[];
  /** Name of a deliberately broken gateway. */
  readonly broken: string | undefined;
  readonly folder: string;
}

export const chaosUsage = `npm run chaos -- [options]
The loop on a Kafka of its own under load, while its parts are killed and stopped; then a checker reads topics and
journals (exit code 1: a promise was broken). Needs Linux, Java and Maven.
  --minutes N        how long load and faults last (default 3; 0.5 is half a minute)
  --seed N           what is asked and what is killed when (default 1)
  --rate N           calls a second (default ${usual.rate})
  --faults LIST      what is killed and stopped: ${targets.join(",")}, or none (default all)
  --broken NAME      a gateway that is broken on purpose, of test/chaos/broken
  --folder DIR       where journals and report are kept (default .chaos/seed-N)
  --help             this text`;

export function parseChaosOptions(args: readonly string[]): Parsed<ChaosCommand> {
  return parseCommandLine(chaosUsage, () => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: "string", default: "3" },
        seed: { type: "string", default: "1" },
        rate: { type: "string", default: String(usual.rate) },
        faults: { type: "string", default: targets.join(",") },
        broken: { type: "string" },
        folder: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return undefined;
    const seed = numberOf("--seed", values.seed, 0, 2 ** 31);
    const name = values.broken === undefined ? `seed-${seed}` : `${values.broken}-${seed}`;
    return {
      minutes: minutesOf(values.minutes),
      seed,
      rate: numberOf("--rate", values.rate, 1, 1_000),
      targets: targetsOf(values.faults),
      broken: values.broken,
      folder: values.folder ?? `.chaos/${name}`,
    };
  });
}

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && minutes > 0 && minutes <= 1_440) return minutes;
  throw new Error(
    `--minutes: received ${JSON.stringify(text)}; must be a number of minutes up to 1440, such as 3 or 0.5`,
  );
}

function targetsOf(text: string): readonly Target[] {
  if (text === "none") return [];
  const names = text.split(",");
  const wrong = names.find((name) => !targets.some((target) => target === name));
  if (wrong === undefined) return targets.filter((target) => names.includes(target));
  throw new Error(
    `--faults: received ${JSON.stringify(wrong)}; must be some of ${targets.join(", ")}, or none`,
  );
}

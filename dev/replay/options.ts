// The command line of `npm run replay`: parsing and defaults only.

import { parseArgs } from "node:util";
import { parseCommandLine, type Parsed } from "../command-line.ts";

export interface ReplayOptions {
  /** As it was typed. */
  readonly id: string;
  /** How far back the search goes, in ms. */
  readonly sinceMs: number;
  readonly config: string;
  readonly json: boolean;
}

export const replayUsage = `npm run replay -- <correlation ID> [options]
Shows a past request and its replies as they are in the log (exit code 1: it is nowhere).
  --since AGE      how far back to search, such as 90s, 30m, 4h or 7d (default 24h)
  --config FILE    the config that names the topics (default hearback.config.ts)
  --json           print one JSON object
  --help           this text
UPSTASH_KAFKA_REST_URL, _USERNAME and _PASSWORD, in the environment or in .dev.vars, say which bridge is asked;
without them it is the one of npm run dev.`;

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function parseReplayOptions(args: readonly string[]): Parsed<ReplayOptions> {
  return parseCommandLine(replayUsage, () => {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        since: { type: "string", default: "24h" },
        config: { type: "string", default: "hearback.config.ts" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return undefined;
    const [id, ...more] = positionals;
    if (id === undefined || id === "" || more.length > 0) throw new Error("one correlation ID is needed");
    return { id, sinceMs: ageOf(values.since), config: values.config, json: values.json };
  });
}

function ageOf(text: string): number {
  const [, count = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ageMs = Number(count) * (unitMs[unit] ?? 0);
  if (ageMs > 0) return ageMs;
  throw new Error(
    `--since: received ${JSON.stringify(text)}; must be a number with s, m, h or d, such as 24h`,
  );
}

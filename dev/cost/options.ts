// The command line of `npm run cost`: parsing and defaults only.

import { parseArgs } from "node:util";
import { numberOf, parseCommandLine, type Parsed } from "../command-line.ts";
import type { Design, Workload } from "./model.ts";

export interface CostOptions {
  readonly workload: Workload;
  readonly designs: readonly Design[];
  readonly isFree: boolean;
  readonly isJson: boolean;
  /** The document's tables are written anew, and nothing is shown. */
  readonly write: boolean;
}

/** What nobody says: options of a service are at their defaults, the rest is a deployment of middle size. */
export const defaultWorkload: Workload = {
  ratePerSecond: 100,
  waitSeconds: 2,
  spread: 0.5,
  durableShare: 0.1,
  asyncShare: 0,
  replyBytes: 1_000,
  timeoutSeconds: 10,
  retentionSeconds: 86_400,
  isolates: 10,
  waitsPerIsolate: 1_000,
  loggedShare: 1,
};

const d = defaultWorkload;

export const costUsage = `npm run cost -- [options]
What a deployment costs on Cloudflare, by its list of November 2026: per million requests, and a month.
  --rate N           requests per second (default ${d.ratePerSecond})
  --wait S           mean seconds from request to reply (default ${d.waitSeconds})
  --spread N         standard deviation of the waits over their mean (default ${d.spread})
  --durable N        share with a key, 0 to 1 (default ${d.durableShare})
  --async N          share not waited for, fetched once, 0 to 1 (default ${d.asyncShare})
  --reply-bytes N    size of a reply (default ${d.replyBytes})
  --timeout S        timeout of the service in seconds (default ${d.timeoutSeconds}, or three times the wait)
  --retention S      seconds an answer is kept (default ${d.retentionSeconds})
  --isolates N       isolates of the Worker at once (default ${d.isolates})
  --logged N         share of invocations that are logged, 0 to 1 (default ${d.loggedShare})
  --poll S           compare with looking every so many seconds, too
  --free             how many requests a day Workers Free takes
  --json             all figures, for machines
  --write            write the tables of docs/cost.md anew
  --help             this text`;

export function parseCostOptions(args: readonly string[]): Parsed<CostOptions> {
  return parseCommandLine(costUsage, () => {
    const text = { type: "string" } as const;
    const flag = { type: "boolean", default: false } as const;
    const { values } = parseArgs({
      args: [...args],
      options: {
        rate: text,
        wait: text,
        spread: text,
        durable: text,
        async: text,
        "reply-bytes": text,
        timeout: text,
        retention: text,
        isolates: text,
        logged: text,
        poll: text,
        free: flag,
        json: flag,
        write: flag,
        help: flag,
      },
    });
    if (values.help) return undefined;
    const given = (option: keyof typeof values, min: number, max: number, otherwise: number): number => {
      const said = values[option];
      return typeof said === "string" ? decimalOf(`--${option}`, said, min, max) : otherwise;
    };
    const whole = (option: keyof typeof values, min: number, max: number, otherwise: number): number => {
      const said = values[option];
      return typeof said === "string" ? numberOf(`--${option}`, said, min, max) : otherwise;
    };
    const waitSeconds = given("wait", 0.001, 300, d.waitSeconds);
    const timeoutSeconds = given(
      "timeout",
      0.1,
      300,
      Math.min(300, Math.max(d.timeoutSeconds, 3 * waitSeconds)),
    );
    const workload: Workload = {
      // What one drain can take is another question; this is what it would cost.
      ratePerSecond: given("rate", 0.00001, 10_000, d.ratePerSecond),
      waitSeconds,
      spread: given("spread", 0, 5, d.spread),
      durableShare: given("durable", 0, 1, d.durableShare),
      asyncShare: given("async", 0, 1, d.asyncShare),
      replyBytes: whole("reply-bytes", 0, 1_048_576, d.replyBytes),
      timeoutSeconds,
      retentionSeconds: whole("retention", 1, 2_592_000, d.retentionSeconds),
      isolates: whole("isolates", 1, 10_000, d.isolates),
      waitsPerIsolate: d.waitsPerIsolate,
      loggedShare: given("logged", 0, 1, d.loggedShare),
    };
    if (workload.durableShare + workload.asyncShare > 1) {
      throw new Error("--durable and --async: together they are more than all requests");
    }
    if (waitSeconds > timeoutSeconds) {
      throw new Error("--timeout: must not be shorter than --wait, or most requests would expire");
    }
    return {
      workload,
      designs: ["hold", "park", "hearback", ...pollOf(values.poll)],
      isFree: values.free,
      isJson: values.json,
      write: values.write,
    };
  });
}

function pollOf(text: string | undefined): Design[] {
  return text === undefined ? [] : [{ pollEverySeconds: decimalOf("--poll", text, 0.01, 60) }];
}

/** Throws an Error that says what the option must be: a number from `min` to `max`, with a point or without. */
function decimalOf(option: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && number >= min && number <= max) return number;
  throw new Error(`${option}: received ${JSON.stringify(text)}; must be a number from ${min} to ${max}`);
}

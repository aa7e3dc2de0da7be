// `npm run replay`: one past request and its replies, from the log. Prints; what to look for is search.ts, how it
// looks is show.ts.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createUpstashKafka } from "../../kafka/index.ts";
import { optionsOrExit } from "../command-line.ts";
import { loadConfig } from "../config-file.ts";
import { readCredentials } from "./credentials.ts";
import { parseReplayOptions, type ReplayOptions } from "./options.ts";
import { searchLog } from "./search.ts";
import { printExchange, showExchange } from "./show.ts";

const devVars = fileURLToPath(new URL("../../.dev.vars", import.meta.url));

/** What to print, or undefined: the ID is nowhere. Throws with a sentence for the user. */
async function run({ id, sinceMs, config, json }: ReplayOptions): Promise<string | undefined> {
  const { services } = await loadConfig(config);
  const credentials = readCredentials(
    process.env,
    existsSync(devVars) ? readFileSync(devVars, "utf8") : undefined,
  );
  const wanted = {
    id,
    requestTopics: services.map(({ requestTopic }) => requestTopic),
    replyTopics: services.map(({ replyTopic }) => replyTopic),
    sinceMs,
  };
  const progress = (line: string): void => console.error(line);
  const found = await searchLog(createUpstashKafka(credentials), wanted, Date.now(), progress).catch(
    (cause: unknown) => {
      throw new Error(`${credentials.url}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    },
  );
  for (const topic of found.absent) console.error(`${topic} does not exist`);
  if (found.requests.length + found.replies.length + found.omitted === 0) {
    const since = new Date(Date.now() - sinceMs).toISOString();
    console.error(`${id} is nowhere in the log since ${since} (${found.searched} records read)`);
    return undefined;
  }
  const shown = showExchange(id, found);
  return json ? JSON.stringify(shown, undefined, 2) : printExchange(shown);
}

const options = optionsOrExit(parseReplayOptions(process.argv.slice(2)));
try {
  const text = await run(options);
  // Timers of the SDK would keep the process for seconds; what is printed must be out before it ends.
  if (text === undefined) process.exit(1);
  process.stdout.write(`${text}\n`, () => process.exit(0));
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : String(cause));
  process.exit(1);
}

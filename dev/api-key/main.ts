// `npm run api-key`: prints a new API key once, and the entry to store.

import { optionsOrExit } from "../command-line.ts";
import { newApiKey } from "./new-key.ts";
import { parseApiKeyOptions } from "./options.ts";

const options = optionsOrExit(parseApiKeyOptions(process.argv.slice(2)));
try {
  const { key, entry } = newApiKey(options);
  console.log(JSON.stringify(entry));
  console.error(`key, shown this once: ${key}`);
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : String(cause));
  process.exitCode = 1;
}

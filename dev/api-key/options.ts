// The command line of `npm run api-key`: parsing and defaults only.

import { parseArgs } from "node:util";
import { parseCommandLine, type Parsed } from "../command-line.ts";

export interface ApiKeyOptions {
  readonly principal: string;
  /** As it was typed; an instant. */
  readonly expires?: string;
}

export const apiKeyUsage = `npm run api-key -- --principal NAME [options]
Makes a new API key: the entry for the list in the secret goes to standard output, the key itself is shown once.
  --principal NAME  whose key it is; several keys may have one principal
  --expires AT      instant from which it lets nobody in, such as 2027-01-01T00:00:00Z
  --help            this text`;

/** What the entry may be is checked when it is made. */
export function parseApiKeyOptions(args: readonly string[]): Parsed<ApiKeyOptions> {
  return parseCommandLine(apiKeyUsage, () => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        principal: { type: "string" },
        expires: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return undefined;
    const { principal, expires } = values;
    if (principal === undefined) throw new Error("--principal is needed");
    return { principal, ...(expires === undefined ? {} : { expires }) };
  });
}

// What must hold whatever comes: properties of all that reads what others wrote, in config, headers, IDs, records and
// JSON. How often each is tried, and with which seed, is the caller's.

import type { Property } from "../support/fuzz-seed.ts";
import { callbacks } from "./callbacks.ts";
import { config } from "./config.ts";
import { headers } from "./headers.ts";
import { ids } from "./ids.ts";
import { recordKeys } from "./record-keys.ts";
import { records } from "./records.ts";
import { wires } from "./wires.ts";

/** One after the other they are all that reads what others wrote; a new reader gets a property here. */
export const properties: readonly Property[] = [
  ...callbacks,
  ...config,
  ...headers,
  ...recordKeys,
  ...ids,
  ...records,
  ...wires,
];

// Where a run took place, and how it was set.

import type { ContenderId } from "../contenders/contender.ts";
import type { Machine } from "../machine.ts";

export interface Environment {
  readonly machine: Machine;
  /** Contenders as tables and charts call them. */
  readonly titles: Readonly<Record<ContenderId, string>>;
  /** Seconds, rates, partitions, …: by name, as a table shows them. */
  readonly settings: Readonly<Record<string, string>>;
}

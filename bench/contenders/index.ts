// The contenders, in the order in which tables have them.

import type { Contender } from "./contender.ts";
import { floor } from "./floor/index.ts";
import { hearbackDisk, hearbackMemory } from "./hearback/index.ts";

export const contenders: readonly Contender[] = [floor, hearbackMemory, hearbackDisk];

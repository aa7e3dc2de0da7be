// The contenders, in the order in which tables have them.

import type { Contender } from "./contender.ts";
import { floor } from "./floor/index.ts";
import { hearbackDisk, hearbackMemory } from "./hearback/index.ts";
import { kafkaHooks } from "./kafka-hooks/index.ts";
import { nestjs } from "./nestjs/index.ts";
import { redis } from "./redis/index.ts";
import { spring } from "./spring/index.ts";

export const contenders: readonly Contender[] = [
  floor,
  hearbackMemory,
  hearbackDisk,
  nestjs,
  spring,
  kafkaHooks,
  redis,
];

// After retention nothing is left on disk of any exchange.

import { violation, type Finding } from "../finding.ts";
import type { Facts } from "../facts.ts";

export function* leftBehind({ end }: Facts): Generator<Finding> {
  if (end.rows > 0) yield violation(`${end.rows} rows of waiters are left`);
  if (end.alarms > 0) yield violation(`${end.alarms} alarms of waiters are left`);
}

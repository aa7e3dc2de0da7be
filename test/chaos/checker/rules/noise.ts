// Gateway and runtime log no error, whatever dies around them: an outage is a warning, and a late reply is nothing.

import { violation, type Finding } from "../finding.ts";
import type { Facts } from "../facts.ts";

export function* noise({ end }: Facts): Generator<Finding> {
  for (const line of end.errors) yield violation(line);
}

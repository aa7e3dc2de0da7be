// Gateway and runtime write no errors but those in which a kill shows. A late reply is none.

import { explained, violation, type Finding } from "../finding.ts";
import type { Facts } from "../facts.ts";

/** Lines of the runtime about itself, none of the gateway's. */
const explainedByKill: readonly { readonly pattern: RegExp; readonly why: string }[] = [];

export function* noise({ end, faults }: Facts): Generator<Finding> {
  const wasKilled = faults.some(({ target, fault }) => target === "runtime" && fault === "kill");
  for (const line of end.errors) {
    const known = wasKilled ? explainedByKill.find(({ pattern }) => pattern.test(line)) : undefined;
    yield known === undefined ? violation(line) : explained(known.why);
  }
}

// Holds a run against all rules, and counts what it saw. Pure: where the material comes from is not its business.

import { answersIn } from "./answers.ts";
import { factsOf, type Material } from "./facts.ts";
import { rules, type RuleName } from "./rules.ts";

export interface CheckReport {
  /** What was seen, and, as `<rule>: <reason>`, what looks wrong and is explained. */
  readonly counts: Readonly<Record<string, number>>;
  readonly violations: readonly { readonly name: RuleName; readonly what: string }[];
}

export function judge(material: Material): CheckReport {
  const facts = factsOf(material);
  const counts: Record<string, number> = {
    calls: facts.calls.length,
    "calls answered": facts.calls.filter(({ ended }) => ended === "answered").length,
    tries: facts.tries.length,
    answers: answersIn(facts.tries).length,
    "request records": facts.requests.length,
    "reply records": facts.replies.length,
  };
  const violations = rules.flatMap(({ name, find }) =>
    Array.from(find(facts)).flatMap((finding) => {
      if (finding.type === "violation") return [{ name, what: finding.what }];
      const reason = `${name}: ${finding.why}`;
      counts[reason] = (counts[reason] ?? 0) + 1;
      return [];
    }),
  );
  return { counts, violations };
}

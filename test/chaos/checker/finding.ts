// What a rule says: that something is wrong, or that something which looks wrong is explained, and by what.

import type { Facts } from "./facts.ts";

/** `explained` is counted by its words, so they name a reason and no instance. */
export type Finding =
  | { readonly type: "violation"; readonly what: string }
  | { readonly type: "explained"; readonly why: string };

/** Pure. It yields nothing about what is as it should be. */
export type Rule = (facts: Facts) => Iterable<Finding>;

export function violation(what: string): Finding {
  return { type: "violation", what };
}

export function explained(why: string): Finding {
  return { type: "explained", why };
}

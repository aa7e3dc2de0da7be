// What a caller may do, as an interface that routes ask, and how it follows from a credential's limits. Who the
// caller is, is decided in credentials.ts.

import { forbidden, type Problem } from "./answer.ts";

export interface Access {
  mayProduce(topic: string): boolean;
  /** Reading, and all that belongs to it: offsets, groups, the list of topics. */
  mayConsume(topic: string): boolean;
}

export type AccessKind = "full" | "produce" | "consume";

export interface AccessLimits {
  readonly access: AccessKind;
  /** Names, or prefixes that end in `*`. Absent: every topic. */
  readonly topics?: readonly string[];
}

export const fullAccess: Access = { mayProduce: () => true, mayConsume: () => true };

/** The first topic that may not be consumed, as a problem. */
export function findForbidden(
  access: Access,
  places: readonly { readonly topic: string }[],
): Problem | undefined {
  const withheld = places.find(({ topic }) => !access.mayConsume(topic));
  return withheld === undefined ? undefined : forbidden(withheld.topic);
}

/** Built once per credential: each question is then a look into a set and at a few prefixes. */
export function accessOf({ access, topics }: AccessLimits): Access {
  const covers = topics === undefined ? () => true : coverOf(topics);
  return {
    mayProduce: (topic) => access !== "consume" && covers(topic),
    mayConsume: (topic) => access !== "produce" && covers(topic),
  };
}

/** Whether nothing at all is withheld: what concerns the bridge as a whole is for such a caller only. */
export function isUnlimited({ access, topics }: AccessLimits): boolean {
  return access === "full" && topics === undefined;
}

/** A topic name or the beginning of one, as Kafka allows them. */
export function isTopicPattern(text: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$|^[a-zA-Z0-9._-]{0,248}\*$/.test(text);
}

function coverOf(patterns: readonly string[]): (topic: string) => boolean {
  const names = new Set(patterns.filter((pattern) => !pattern.endsWith("*")));
  const prefixes = patterns.filter((pattern) => pattern.endsWith("*")).map((pattern) => pattern.slice(0, -1));
  return (topic) => names.has(topic) || prefixes.some((prefix) => topic.startsWith(prefix));
}

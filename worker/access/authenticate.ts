// Who asks: tries the ways in which a service lets its callers prove it. What a client is told who does not succeed is
// in gate.ts, what a way needs for it in api-keys.ts and tokens.ts.

import type { Authentication } from "../config/authentication.ts";
import type { ApiKey } from "./api-key-list.ts";
import { ownerOfKey } from "./api-keys.ts";
import { credentialsFor, type Credentials, type Guarded } from "./credentials.ts";
import type { KeySet } from "./key-set.ts";
import { nameOfPrincipal, type Caller } from "./principal.ts";
import { digestOf } from "./secrets.ts";
import { tokenRulesOf } from "./token-rules.ts";
import { verifyToken, type Verdict } from "./tokens.ts";

/** What ways need beside the request. */
export interface AccessDeps {
  /** The list that a secret holds. */
  readonly apiKeys: (secret: string) => readonly ApiKey[];
  readonly keySet: (jwksUrl: string) => Pick<KeySet, "find">;
  readonly now: () => number;
}

/** `missing`: nothing was sent that any of the ways takes. */
export type Authenticated = Verdict | { readonly status: "missing" };

/** More than any key or token needs, in characters. */
const longestCredential = 8_192;

/** What of several refusals is said: the one that leaves most open. */
const telling = ["unavailable", "forbidden", "invalid", "missing"] as const;
export type Refused = (typeof telling)[number];

/** The first way that accepts a credential says who it is; without ways there is nobody to be. */
export async function authenticate(
  ways: readonly Authentication[],
  sent: Credentials,
  deps: AccessDeps,
): Promise<Authenticated> {
  const refused: Refused[] = [];
  for await (const verdict of verdicts(ways, sent, deps)) {
    if (verdict.status === "accepted") return verdict;
    refused.push(verdict.status);
  }
  return { status: mostTelling(refused) };
}

export interface Everybody {
  /** Each once. */
  readonly callers: readonly Caller[];
  /** Of what was sent and proves nobody; `missing` where there is nothing of the kind. */
  readonly refused: Refused;
}

/** Everybody that the credentials prove: one request may bring several. */
export async function authenticateAll(
  ways: readonly Authentication[],
  sent: Credentials,
  deps: AccessDeps,
): Promise<Everybody> {
  const callers = new Map<string, Caller>();
  const refused: Refused[] = [];
  for await (const verdict of verdicts(ways, sent, deps)) {
    if (verdict.status === "accepted") callers.set(nameOfPrincipal(verdict.caller.principal), verdict.caller);
    else refused.push(verdict.status);
  }
  return { callers: [...callers.values()], refused: mostTelling(refused) };
}

async function* verdicts(
  ways: readonly Authentication[],
  sent: Credentials,
  deps: AccessDeps,
): AsyncGenerator<Verdict> {
  for (const way of ways) {
    for (const credential of credentialsFor(way, sent)) yield tryWay(way, credential, deps);
  }
}

function mostTelling(refused: readonly Refused[]): Refused {
  return telling.find((status) => refused.includes(status)) ?? "missing";
}

async function tryWay(way: Authentication, credential: string, deps: AccessDeps): Promise<Verdict> {
  if (credential.length > longestCredential) return { status: "invalid" };
  if ("apiKeys" in way) {
    const caller = ownerOfKey(deps.apiKeys(way.apiKeys), await digestOf(credential), deps.now());
    return caller === undefined ? { status: "invalid" } : { status: "accepted", caller };
  }
  const rules = tokenRulesOf(way);
  return verifyToken(credential, rules, deps.keySet(rules.jwksUrl), deps.now());
}

/** Each way once, though several services have it. */
export function distinctWays(services: readonly Guarded[]): readonly Authentication[] {
  const ways = services.flatMap(({ authentication }) => authentication);
  return [...new Map(ways.map((way) => [JSON.stringify(way), way])).values()];
}

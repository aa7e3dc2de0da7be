// Whether a signed token is good, and whose it is. Which token, and what follows from the answer, is decided in
// authenticate.ts; where keys come from is key-set.ts.

import { decodeJwt, errors, jwtVerify } from "jose";
import { hasClaims } from "./claims.ts";
import { KeySetUnavailable, type KeySet } from "./key-set.ts";
import { longestSubject, type Caller } from "./principal.ts";
import type { TokenRules } from "./token-rules.ts";

export type Verdict =
  | { readonly status: "accepted"; readonly caller: Caller }
  /** Not signed by the issuer's key, not for us, not for now, or nobody's. */
  | { readonly status: "invalid" }
  /** Good, but without a claim that is asked for. */
  | { readonly status: "forbidden" }
  /** The issuer's keys cannot be had: nobody knows. */
  | { readonly status: "unavailable" };

/** `now` is in epoch ms. A token that another issuer made, or that is none, never leads to a fetch. */
export async function verifyToken(
  token: string,
  rules: TokenRules,
  keys: Pick<KeySet, "find">,
  now: number,
): Promise<Verdict> {
  const { issuer, audience, algorithms, clockToleranceSeconds } = rules;
  try {
    if (decodeJwt(token).iss !== issuer) return { status: "invalid" };
    const { payload: claims } = await jwtVerify(token, keys.find, {
      issuer,
      audience: typeof audience === "string" ? audience : [...audience],
      algorithms: [...algorithms],
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ["exp"],
      currentDate: new Date(now),
    });
    const subject = rules.subjectOf(claims);
    if (subject === "" || subject.length > longestSubject) return { status: "invalid" };
    if (!hasClaims(claims, rules.requiredClaims)) return { status: "forbidden" };
    return { status: "accepted", caller: { principal: { issuer, subject }, claims } };
  } catch (cause) {
    if (cause instanceof KeySetUnavailable) return { status: "unavailable" };
    if (cause instanceof errors.JOSEError) return { status: "invalid" };
    throw cause;
  }
}

// Who asks. Nobody is asked to say so yet: every caller is the same anonymous one, and whoever knows the ID of an
// exchange may have its answer.

import type { Principal } from "../exchange/correlation-id.ts";

export const anonymous: Principal = { issuer: "", subject: "" };

/** One string per principal; what an exchange remembers of who opened it. Empty for the anonymous one. */
export function nameOfPrincipal({ issuer, subject }: Principal): string {
  return issuer === "" && subject === "" ? "" : JSON.stringify([issuer, subject]);
}

// What a client gets whose request was not let through: the service's fallback, or a problem.

import type { Service } from "../config.ts";
import { respondFallback, respondProblem } from "../http/respond.ts";
import type { Refusal } from "./admission.ts";

export function respondRefusal(
  { fallback }: Pick<Service, "fallback">,
  { code, retryAfter }: Refusal,
  correlationId: string,
): Response {
  // A caller over its own limit is told so: that is no failure of the service.
  if (fallback !== undefined && code !== "too_many_waiting") return respondFallback(fallback, correlationId);
  return respondProblem(code, correlationId, { headers: { "Retry-After": String(retryAfter) } });
}

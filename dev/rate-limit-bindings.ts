// Rate limits stand in the gateway's config, for clients, and in the Wrangler configuration, for the platform: whether
// the two say the same. Pure.

import type { GatewayConfig } from "../worker/config.ts";

/** An entry of `[[ratelimits]]`. */
export interface RateLimitBinding {
  readonly name: string;
  readonly simple: { readonly limit: number; readonly period: number };
}

/** One line per service whose binding is missing or counts to something else; `file` names where bindings come from. */
export function rateLimitMismatches(
  { services }: Pick<GatewayConfig, "services">,
  bindings: readonly RateLimitBinding[],
  file: string,
): string[] {
  return services.flatMap(({ name, rateLimit }) => {
    if (rateLimit === undefined) return [];
    const { binding, limit, periodSeconds } = rateLimit;
    const found = bindings.find((one) => one.name === binding);
    const at = `services.${name}.rateLimit`;
    if (found === undefined) return [`${at}: ${file} has no [[ratelimits]] named ${binding}`];
    const { simple } = found;
    if (simple.limit === limit && simple.period === periodSeconds) return [];
    return [
      `${at}: received ${limit} in ${periodSeconds} s; ${file} has ${simple.limit} in ${simple.period} s for ${binding}`,
    ];
  });
}

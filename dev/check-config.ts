// `npm run check-config`: prints the config with every default settled, or everything that is wrong with it, also
// where the Wrangler configuration says something else.

import { fileURLToPath } from "node:url";
import { ConfigError, type GatewayConfig } from "../worker/config.ts";
import { showAll } from "../worker/config/show.ts";
import { rateLimitMismatches } from "./rate-limit-bindings.ts";

/** Both forms of deployment. */
const wranglerFiles = ["wrangler.toml", "worker/wrangler.toml"];

try {
  const { default: config } = await import("../hearback.config.ts");
  const mismatches = await mismatchesOf(config);
  for (const line of mismatches) console.error(line);
  if (mismatches.length > 0) process.exitCode = 1;
  else console.log(showAll(config));
} catch (cause) {
  if (!(cause instanceof ConfigError)) throw cause;
  console.error(cause.message);
  process.exitCode = 1;
}

async function mismatchesOf(config: GatewayConfig): Promise<string[]> {
  if (config.services.every(({ rateLimit }) => rateLimit === undefined)) return [];
  const { unstable_readConfig: readConfig } = await import("wrangler");
  return wranglerFiles.flatMap((file) => {
    const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
    const { ratelimits } = readConfig({ config: path }, { hideWarnings: true });
    return rateLimitMismatches(config, ratelimits, file);
  });
}

// `npm run check-config`: prints the config with every default settled, or everything that is wrong with it.

import { ConfigError } from "../worker/config.ts";

try {
  const { default: config } = await import("../hearback.config.ts");
  console.log(JSON.stringify(config, (_, value: unknown) => value ?? null, 2));
} catch (cause) {
  if (!(cause instanceof ConfigError)) throw cause;
  console.error(cause.message);
  process.exitCode = 1;
}

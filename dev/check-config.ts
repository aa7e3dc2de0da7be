// `npm run check-config`: prints the config with every default settled, or everything that is wrong with it.

import { ConfigError } from "../worker/config.ts";
import { showAll } from "../worker/config/show.ts";

try {
  const { default: config } = await import("../hearback.config.ts");
  console.log(showAll(config));
} catch (cause) {
  if (!(cause instanceof ConfigError)) throw cause;
  console.error(cause.message);
  process.exitCode = 1;
}

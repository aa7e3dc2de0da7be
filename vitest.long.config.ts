// The tests of `npm run test:long`: the volumes and the figures in docs/proof. One after the other, since they
// measure, and two cores have room for one loop.

import { defineConfig } from "vitest/config";
import { ClosingLineReporter } from "./test/support/closing-line-reporter.ts";

// Wrangler's local trace store writes every request to a database, which no test looks at.
process.env["X_LOCAL_OBSERVABILITY"] ??= "false";

export default defineConfig({
  test: {
    reporters: ["default", new ClosingLineReporter()],
    include: ["test/long/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});

// The tests of `npm test`, by the runtime they need: plain Node, workerd, the whole loop of
// processes, or a Kafka broker.

import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { ClosingLineReporter } from "./test/support/closing-line-reporter.ts";

// Wrangler's local trace store writes every request to a database, which no test looks at.
process.env["X_LOCAL_OBSERVABILITY"] ??= "false";

export default defineConfig({
  test: {
    reporters: ["default", new ClosingLineReporter()],
    projects: [
      {
        test: {
          name: "node",
          include: ["test/{unit,dev,log,bridge,responder,conformance,project,fuzz,chaos,bench}/**/*.test.ts"],
          // Some start a process or five.
          testTimeout: 20_000,
        },
      },
      {
        plugins: [
          cloudflareTest(({ inject }) => ({
            wrangler: { configPath: "./test/runtime/wrangler.toml" },
            miniflare: { bindings: { UPSTASH_KAFKA_REST_URL: inject("bridgeUrl") } },
          })),
        ],
        test: {
          name: "runtime",
          // The pool sends a line that an object writes only with the next message of the runner, and waits for it
          // before the last one: a line that comes as a file ends would hold up the run for ever.
          disableConsoleIntercept: true,
          // Some wait for a lease or a deadline of seconds.
          testTimeout: 20_000,
          include: ["test/runtime/**/*.test.ts"],
          globalSetup: "./test/support/global-bridge.ts",
        },
      },
      {
        // Each file starts processes of its own; one at a time, or two cores have too much to do.
        test: {
          name: "loop",
          include: ["test/loop/**/*.test.ts"],
          fileParallelism: false,
          // One worker for all files: to load Wrangler anew for each takes a minute in all, and they share no state.
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        // On a real broker. A test that starts one of its own waits for Java.
        test: {
          name: "kafka",
          include: ["test/kafka/**/*.test.ts"],
          globalSetup: "./test/support/global-kafka.ts",
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

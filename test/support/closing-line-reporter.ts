// Prints the line that closes every test run: how many tests passed and failed. Tests that did not run are
// named in it, so that a skipped case is never mistaken for a passing one.

import type { Reporter, TestModule } from "vitest/node";

export class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0;
    // An error outside any test, or a file that could not be loaded, is a failure too.
    let failed = unhandledErrors.length;
    let skipped = 0;
    for (const module of modules) {
      const states = [...module.children.allTests()].map((test) => test.result().state);
      if (module.state() === "failed" && !states.includes("failed")) failed++;
      passed += states.filter((state) => state === "passed").length;
      failed += states.filter((state) => state === "failed").length;
      skipped += states.filter((state) => state === "skipped" || state === "pending").length;
    }
    console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  }
}

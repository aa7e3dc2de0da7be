// What the runtime tests need of their own setup, so that a run of them always ends.

import { expect, test } from "vitest";

test("what objects log goes straight to the runtime's log, and not as messages that the end of a file waits for", () => {
  // Vitest's own console, which makes messages of lines, is no plain object.
  expect(console.constructor).toBe(Object);
});

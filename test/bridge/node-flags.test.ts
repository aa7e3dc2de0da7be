// Every way to start the bridge gives Node the same flags; the image has its own test in dockerfile.test.ts.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { nodeFlags } from "../../bridge/node-flags.ts";

const read = (file: string) => readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), "utf8");

test.each([
  ["bridge/main.ts", `#!/usr/bin/env -S node ${nodeFlags.join(" ")}\n`],
  ["package.json", `"bridge": "node ${nodeFlags.join(" ")} bridge/main.ts"`],
])("%s starts Node with them", (file, line) => {
  expect(read(file)).toContain(line);
});

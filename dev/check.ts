// `npm run check`: everything about the code that is no test. Runs all of it and says at the end what failed.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

const steps: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ["format", "prettier", "--check", "--log-level", "warn", "."],
  ["lint", "oxlint"],
  ["types of the Worker", "tsc", "-p", "tsconfig.json"],
  ["types of the processes", "tsc", "-p", "tsconfig.node.json"],
  ["types of what is fuzzed", "tsc", "-p", "tsconfig.fuzz.json"],
  ["types of the package", "tsc", "-p", "tsconfig.build.json", "--noEmit"],
  ["types of the package's commands", "tsc", "-p", "tsconfig.build.node.json", "--noEmit"],
  ["config", "node", "dev/check-config.ts"],
  ["licences", "node", "--no-deprecation", "dev/licences.ts"],
];

const failed = steps.filter(([name, command, ...args]) => {
  console.log(`— ${name}`);
  const quiet = name === "config";
  const { status } = spawnSync(`node_modules/.bin/${command}`, args, {
    cwd: root,
    stdio: ["ignore", quiet ? "ignore" : "inherit", "inherit"],
  });
  return status !== 0;
});
if (failed.length > 0) {
  console.error(`check failed: ${failed.map(([name]) => name).join(", ")}`);
  process.exit(1);
}
console.log("check passed");

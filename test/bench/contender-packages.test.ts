// What contenders install: the same versions everywhere, from whatever registry npm has.

import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const contenders = fileURLToPath(new URL("../../bench/contenders", import.meta.url));
const manifests = globSync("*/package.json", { cwd: contenders });

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

test("there is something to hold against this", () => {
  expect(manifests.length).toBeGreaterThanOrEqual(2);
});

test.each(manifests)("%s pins exact versions, and its lock file names no registry", (file) => {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(`${contenders}/${file}`, "utf8"),
  ) as Manifest;
  const versions = Object.values({ ...dependencies, ...devDependencies });
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  const lock = readFileSync(`${contenders}/${file.replace("package.json", "package-lock.json")}`, "utf8");
  expect(lock).not.toContain('"resolved": "http');
});

// The form of the bridge's Dockerfile, as far as it can be told without an engine that builds it.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { nodeFlags } from "../../bridge/node-flags.ts";

const root = new URL("../../", import.meta.url);
const read = (file: string) => readFileSync(fileURLToPath(new URL(file, root)), "utf8");
const lines = read("bridge/Dockerfile").replaceAll("\\\n", " ").split("\n");
const argumentsOf = (instruction: string) =>
  lines
    .filter((line) => line.startsWith(`${instruction} `))
    .map((line) => line.slice(instruction.length + 1));

interface Package {
  readonly bin: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly devDependencies: Readonly<Record<string, string>>;
}
const manifest = JSON.parse(read("package.json")) as Package;

test("every source that is copied from the repository exists", () => {
  const sources = argumentsOf("COPY")
    .filter((line) => !line.startsWith("--from"))
    .flatMap((line) => line.split(/\s+/).slice(0, -1));
  expect(sources.length).toBeGreaterThan(3);
  expect(sources.filter((source) => !existsSync(fileURLToPath(new URL(source, root))))).toEqual([]);
});

test("every folder that the commands are built from is copied", () => {
  const config = JSON.parse(read("tsconfig.build.node.json")) as { files: string[] };
  const copied = argumentsOf("COPY").join(" ");
  for (const file of config.files) expect(copied).toContain(file.split("/")[0]);
});

test("it starts what the package names as hearback-bridge, on the Node that the tests run on, as no root", () => {
  expect(argumentsOf("ENTRYPOINT")).toEqual([
    JSON.stringify(["node", ...nodeFlags, manifest.bin["hearback-bridge"]?.replace("./", "")]),
  ]);
  const images = new Set(argumentsOf("FROM").map((line) => line.split(" ")[0]));
  expect([...images]).toEqual([`node:${manifest.devDependencies["node"]}-slim`]);
  expect(argumentsOf("USER")).toEqual(["node"]);
  expect(argumentsOf("HEALTHCHECK").join()).toContain("/healthz");
});

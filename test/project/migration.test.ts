// docs/migration.md against the config it talks of: each way to come from has one that the gateway takes, in the
// dialect of its service.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadConfig } from "../../dev/config-file.ts";
import { useCleanups } from "../support/cleanups.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const later = useCleanups();

/** The configs of a section, in their order, as a user would have them in a file. */
async function configsUnder(heading: string): Promise<string[]> {
  const guide = await readFile(join(root, "docs/migration.md"), "utf8");
  const [, afterwards = ""] = guide.split(`\n## ${heading}\n`);
  const [section = ""] = afterwards.split("\n## ");
  return [...section.matchAll(/^```ts\n([^]*?)^```/gm)]
    .map(([, code = ""]) => code)
    .filter((code) => code.includes("defineGateway"));
}

const forShared = { headerDialect: "native", replyRouting: "shared", correlationIds: "hex" };

test.each([
  ["A map of promises", [forShared]],
  [
    "Spring",
    [
      { headerDialect: "spring", replyRouting: "partition", correlationIds: "hex" },
      { headerDialect: "spring-binary", replyRouting: "partition", correlationIds: "uuid" },
    ],
  ],
  ["NestJS", [{ headerDialect: "nest", replyRouting: "partition", correlationIds: "hex" }]],
  ["kafka-hooks", [{ ...forShared, headerDialect: "kafka-hooks" }]],
  ["A shared cache in Redis", [forShared]],
])("the gateway takes the configs for who comes from «%s»", async (heading, expected) => {
  const folder = await mkdtemp(join(tmpdir(), "migration-"));
  later(() => rm(folder, { recursive: true }));
  const configs = await configsUnder(heading);
  const services = await Promise.all(
    configs.map(async (code, at) => {
      const file = join(folder, `${at}.ts`);
      await writeFile(file, code.replace('"hearback"', JSON.stringify(join(root, "worker/config.ts"))));
      return (await loadConfig(file)).services;
    }),
  );
  expect(services).toMatchObject(expected.map((service) => [{ name: "predict", ...service }]));
});

// `npm run topics` against a broker, as an operator meets it.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Admin } from "@platformatic/kafka";
import { describe, expect, inject, test } from "vitest";
import { temporaryFolder } from "../support/bridge.ts";
import { runCommand } from "../support/command.ts";

const brokers = inject("kafkaBrokers");

/** A config with one service on topics of this name. */
async function configFor(name: string, replyPartitions: number): Promise<string> {
  const folder = await temporaryFolder();
  const library = pathToFileURL(fileURLToPath(new URL("../../worker/config.ts", import.meta.url))).href;
  const services = {
    ask: {
      route: "POST /ask",
      requestTopic: `${name}.requests`,
      replyTopic: `${name}.replies`,
      replyPartitions,
    },
  };
  const file = join(folder, "hearback.config.ts");
  await writeFile(
    file,
    `import { defineGateway } from ${JSON.stringify(library)};
export default defineGateway({ services: ${JSON.stringify(services)} });
`,
  );
  return file;
}

async function topics(
  ...args: string[]
): Promise<{ readonly code: number | null; readonly printed: string }> {
  const command = runCommand(process.execPath, ["dev/topics/main.ts", "--brokers", brokers ?? "", ...args]);
  const code = await command.ended;
  return { code, printed: command.output().trim() };
}

describe.skipIf(brokers === null)("npm run topics", () => {
  test("[A3] names what is missing and changes nothing; --create creates it; then all is well", async () => {
    const config = await configFor("create", 2);
    const missing = `missing: create.requests does not exist; 3 partitions are wanted
missing: create.replies does not exist; 2 partitions are wanted
--create creates what is missing`;
    expect(await topics("--config", config)).toEqual({ code: 1, printed: missing });
    expect(await topics("--config", config)).toEqual({ code: 1, printed: missing });
    const described = `create.requests: 3 partitions, replication 1 (min in sync 1), cleanup.policy delete, kept 86400 s
create.replies: 2 partitions, replication 1 (min in sync 1), cleanup.policy delete, kept 3600 s`;
    expect(await topics("--config", config, "--create")).toEqual({
      code: 0,
      printed: `created create.requests: 3 partitions, replication 1
created create.replies: 2 partitions, replication 1
${described}`,
    });
    expect(await topics("--config", config)).toEqual({ code: 0, printed: described });
  });

  test("adds reply partitions that the config has more of", async () => {
    await topics("--config", await configFor("grow", 1), "--create");
    const config = await configFor("grow", 4);
    const before = await topics("--config", config);
    expect([before.code, before.printed]).toEqual([
      1,
      expect.stringContaining("danger: grow.replies has 1 partitions and the config says 4"),
    ]);
    const after = await topics("--config", config, "--create");
    expect([after.code, after.printed]).toEqual([0, expect.stringContaining("grow.replies: 4 partitions")]);
  });

  test("fails on a compacted reply topic, even with --create", async () => {
    const admin = new Admin({ clientId: "test", bootstrapBrokers: [brokers ?? ""] });
    await admin.createTopics({
      topics: ["compacted.replies"],
      partitions: 1,
      replicas: 1,
      configs: [{ name: "cleanup.policy", value: "compact" }],
    });
    await admin.close();
    const { code, printed } = await topics("--config", await configFor("compacted", 1), "--create");
    expect(code).toBe(1);
    expect(printed).toContain("danger: compacted.replies has cleanup.policy=compact");
  });

  test("says in one line that no broker answers", async () => {
    const command = runCommand(process.execPath, ["dev/topics/main.ts", "--brokers", "127.0.0.1:1"]);
    expect(await command.ended).toBe(1);
    expect(command.output().trim()).toMatch(/^127\.0\.0\.1:1: .*$/);
  });
});

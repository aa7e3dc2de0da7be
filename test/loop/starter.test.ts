// A user's own project: the starter's files and the packed package in an empty folder, nothing else of this
// repository.

import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "wrangler";
import { runCommand, type RunningCommand } from "../support/command.ts";
import { credentialsFor } from "../support/loop.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

let project: string;
let bridge: RunningCommand;
let bridgeUrl: string;
let responder: RunningCommand;
let server: TestHarness;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "hearback-starter-"));
  await cp(`${root}examples/starter`, project, { recursive: true });
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const packed = await run("npm", ["pack", "--pack-destination", project], { cwd: root });
  const tarball = packed.stdout.trim().split("\n").at(-1) ?? "";
  await run("npm", ["install", "--no-audit", "--no-fund", join(project, tarball)], { cwd: project });

  bridge = runCommand(process.execPath, ["node_modules/.bin/hearback-bridge", "--port", "0"], {
    cwd: project,
  });
  await bridge.printed(/http:\/\/[\d.:]+/);
  bridgeUrl = /http:\/\/[\d.:]+/.exec(bridge.output())?.[0] ?? "";
  responder = runCommand(process.execPath, ["responder.ts"], {
    cwd: project,
    env: credentialsFor(bridgeUrl),
  });
  server = createTestHarness({
    workers: [{ configPath: join(project, "wrangler.toml"), vars: credentialsFor(bridgeUrl) }],
  });
  await server.listen();
});
afterAll(async () => {
  await server.close();
  for (const command of [responder, bridge]) {
    command.signal("SIGKILL");
    await command.ended;
  }
  await rm(project, { recursive: true, force: true });
});

test("the starter answers through the packed gateway, bridge and responder kit", async () => {
  const response = await server.fetch("/hello", { method: "POST", body: "Ada" });
  expect([response.status, await response.text()]).toEqual([200, "Hello, Ada"]);
});

test("the packed kit speaks to a cluster as well, and says when there is none", async () => {
  await writeFile(
    join(project, "lonely.ts"),
    `import { createResponder } from "hearback/responder";
     const responder = createResponder({
       kafka: { brokers: ["127.0.0.1:1"] },
       topic: "hello.requests",
       replyTopics: ["hello.replies"],
       handler: () => {},
       onEvent(event) {
         console.log(JSON.stringify(event));
         responder.stop();
       },
     });
     await responder.run();`,
  );
  const { stdout } = await run(process.execPath, ["lonely.ts"], { cwd: project });
  expect(stdout).toMatch(/"type":"connection","message":"the cluster cannot be reached: /);
});

test("the packed types hold the starter's config, entry and responder to the rules", async () => {
  await writeFile(
    join(project, "tsconfig.json"),
    JSON.stringify({
      extends: `${root}tsconfig.base.json`,
      compilerOptions: { types: [`${root}node_modules/@cloudflare/workers-types`], skipLibCheck: false },
      files: ["index.ts", "hearback.config.ts"],
    }),
  );
  await run(`${root}node_modules/.bin/tsc`, ["-p", project]);
  await writeFile(
    join(project, "tsconfig.responder.json"),
    JSON.stringify({
      extends: `${root}tsconfig.base.json`,
      compilerOptions: { types: [`${root}node_modules/@types/node`] },
      files: ["responder.ts"],
    }),
  );
  await run(`${root}node_modules/.bin/tsc`, ["-p", join(project, "tsconfig.responder.json")]);
});

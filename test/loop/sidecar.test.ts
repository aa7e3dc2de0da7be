// `npm run sidecar` on its embedded log: one command, one answer, one signal.

import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { freePort } from "../../dev/ports.ts";
import { temporaryFolder } from "../support/bridge.ts";
import { useCleanups } from "../support/cleanups.ts";
import { runCommand } from "../support/command.ts";
import { postJson, startModel } from "../support/loop.ts";
import { isAlive, startSidecar } from "../support/sidecar.ts";

const later = useCleanups();

const ask = (url: string, id: string) => postJson(`${url}/predict`, { id, features: [2, 4] });

test("a sidecar answers for its service alone, through a reply topic of its own, and SIGTERM leaves nothing of it", async () => {
  const scratch = await temporaryFolder();
  const sidecar = await startSidecar(
    ["--brokers", "embedded", "--name", "a.b", "--config", "test/fixtures/loop/gateway-config.ts"],
    later,
    { TMPDIR: scratch },
  );
  expect(sidecar.command.output()).toContain("replies on inference.replies.v1.a.b");
  const model = startModel(sidecar.bridgeUrl, () => undefined);
  later(() => model.finish());
  const answer = await ask(sidecar.url, "one");
  expect([answer.status, await answer.json()]).toMatchObject([200, { id: "one", prediction: 3 }]);
  expect((await postJson(`${sidecar.url}/predict/1s`, {})).status).toBe(404);
  const topics = await fetch(`${sidecar.bridgeUrl}/topics`, {
    headers: { authorization: `Basic ${btoa("dev:dev")}` },
  });
  expect(await topics.json()).toEqual({ "inference.requests.v1": 3, "inference.replies.v1.a.b": 3 });
  // Nobody has the token: it is not in the environment.
  expect((await fetch(`${sidecar.url}/_hearback/ledger`)).status).toBe(401);
  expect((await fetch(`${sidecar.url}/cdn-cgi/local/scheduled`)).status).toBe(404);

  const workerd = await sidecar.workerd();
  const ownFolders = async () =>
    (await readdir(scratch)).filter((name) => name.startsWith("hearback-sidecar-"));
  expect(await ownFolders()).toHaveLength(1);
  process.kill(sidecar.pid, "SIGTERM");
  expect(await sidecar.command.ended).toBe(0);
  expect([isAlive(workerd), await ownFolders()]).toEqual([false, []]);
});

test("when workerd is killed the sidecar says so and answers again; killed too often, it ends with exit code 1", async () => {
  const state = await temporaryFolder();
  const sidecar = await startSidecar(["--brokers", "embedded", "--state", state], later);
  const model = startModel(sidecar.bridgeUrl, () => undefined);
  later(() => model.finish());
  expect((await ask(sidecar.url, "before")).status).toBe(200);
  expect((await readdir(state)).toSorted()).toEqual(["log", "objects", "worker"]);
  process.kill(await sidecar.workerd(), "SIGKILL");
  await sidecar.command.printed(/^gateway +│ runs again; plain requests that waited are lost$/m);
  expect((await ask(sidecar.url, "after")).status).toBe(200);
  for (let more = 2; more <= 6; more++) {
    process.kill(await sidecar.workerd(), "SIGKILL");
    await sidecar.command.printed(new RegExp(`(runs again[^]*){${more}}`));
  }
  expect(await sidecar.command.ended).toBe(1);
  expect(sidecar.command.output()).toContain("The gateway does not stay up");
});

test("schemas and rate limits of the config hold, the limit before the schema", async () => {
  const sidecar = await startSidecar(
    ["--service", "alsoLimited", "--brokers", "embedded", "--config", "test/fixtures/loop/guarded-config.ts"],
    later,
  );
  const period = () => Math.floor(Date.now() / 10_000);
  let began: number;
  let statuses: number[];
  do {
    // Counted by the wall clock: a period must not end between the requests.
    began = period();
    statuses = [];
    for (let request = 0; request < 4; request++) {
      statuses.push((await postJson(`${sidecar.url}/also-limited`, "no object")).status);
    }
  } while (period() !== began);
  expect(statuses).toEqual([422, 422, 422, 429]);
});

test("the operator's token is handed on, and opens the ledger", async () => {
  const sidecar = await startSidecar(["--brokers", "embedded", "--name", "x"], later, {
    HEARBACK_OPERATOR_TOKEN: "let-me-in",
  });
  const model = startModel(sidecar.bridgeUrl, () => undefined);
  later(() => model.finish());
  await ask(sidecar.url, "counted");
  const ledger = await fetch(`${sidecar.url}/_hearback/ledger`, {
    headers: { authorization: "Bearer let-me-in" },
  });
  expect(await ledger.json()).toMatchObject({
    partitions: expect.arrayContaining([expect.objectContaining({ topic: "inference.replies.v1.x" })]),
  });
});

test.each([
  [["--service", "predikt"], '--service: received "predikt"; the config has predict'],
  [["--service", "predict", "--name", "a/b"], '--name: received "a/b"; it must be made of'],
  [["--service", "predict", "--brokers", "127.0.0.1:1"], "Kafka at 127.0.0.1:1: "],
])("the arguments %j end in one sentence and exit code 1", async (args, sentence) => {
  const command = runCommand(process.execPath, [
    "sidecar/main.ts",
    ...args,
    "--port",
    String(await freePort()),
  ]);
  expect(await command.ended).toBe(1);
  expect(command.output().trim()).toMatch(/^.*$/);
  expect(command.output()).toContain(sentence);
});

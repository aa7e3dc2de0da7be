// `npm run dev` as a newcomer meets it: one command, one line when ready, one answer, one Ctrl-C.

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCommand, type RunningCommand } from "../support/command.ts";
import config from "../../hearback.config.ts";
import { freePort } from "../../dev/ports.ts";
import { wantedTopics } from "../../dev/topics/index.ts";
import { shopCases } from "../support/shop.ts";
import { postJson } from "../support/loop.ts";

async function isUp(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}/healthz`);
    return true;
  } catch {
    return false;
  }
}

/** Those below this process that run workerd: wrangler has two. */
async function runtimesOf(pid: number): Promise<readonly number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "pid=,ppid=,args="]);
  const all = stdout
    .split("\n")
    .map((line) => /^ *(\d+) +(\d+) (.*)$/.exec(line))
    .filter((found) => found !== null)
    .map(([, own, parent, args = ""]) => ({ own: Number(own), parent: Number(parent), args }));
  const below = (of: number): typeof all =>
    all.filter(({ parent }) => parent === of).flatMap((child) => [child, ...below(child.own)]);
  return below(pid)
    .filter(({ args }) => args.includes("workerd serve"))
    .map(({ own }) => own);
}

describe("npm run dev", () => {
  let port: number;
  let bridgePort: number;
  let state: string;
  let dev: RunningCommand;

  beforeAll(async () => {
    [port, bridgePort] = [await freePort(), await freePort()];
    state = await mkdtemp(join(tmpdir(), "hearback-test-"));
    dev = runCommand(process.execPath, [
      "dev/main.ts",
      "--port",
      String(port),
      "--bridge-port",
      String(bridgePort),
      "--state",
      state,
    ]);
    await dev.printed(/^ready /m);
  });
  afterAll(async () => {
    dev.signal("SIGINT");
    await dev.ended;
    await rm(state, { recursive: true, force: true });
  });

  test("[A1, E19] answers the README's curl with a prediction that went through both topics", async () => {
    const response = await postJson(`http://localhost:${port}/predict`, {
      id: "txn_1",
      features: [0.5, 0.3, 0.8],
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-correlation-id")).toMatch(/^[0-9a-f]{64}$/);
    expect(await response.json()).toMatchObject({ id: "txn_1", prediction: 0.533 });
  });

  shopCases(() => `http://127.0.0.1:${port}`);

  test("has a bridge for user dev with password dev, and the topics of the config", async () => {
    const response = await fetch(`http://127.0.0.1:${bridgePort}/topics`, {
      headers: { authorization: `Basic ${btoa("dev:dev")}` },
    });
    expect(await response.json()).toEqual(
      Object.fromEntries(wantedTopics(config.services).map(({ name, partitions }) => [name, partitions])),
    );
  });

  test("says in one sentence that a port is taken, and which option chooses another", async () => {
    const second = runCommand(process.execPath, [
      "dev/main.ts",
      "--port",
      String(port),
      "--bridge-port",
      String(await freePort()),
    ]);
    expect(await second.ended).toBe(1);
    expect(second.output().trim()).toBe(
      `Port ${port} is taken. End what uses it, or choose another one with --port N.`,
    );
  });

  test("refuses an option it does not know, and shows those it does", async () => {
    const wrong = runCommand(process.execPath, ["dev/main.ts", "--prot", "1"]);
    expect(await wrong.ended).toBe(1);
    expect(wrong.output()).toContain("--bridge-port N");
  });

  test("starts a bridge that was killed with -9 again, and a request that waited meanwhile is answered", async () => {
    const waiting = postJson(`http://localhost:${port}/predict`, {
      id: "txn_2",
      features: [2],
      delay_ms: 2_500,
    });
    const { stdout } = await promisify(execFile)("pgrep", ["-f", `bridge/main.ts .*--port ${bridgePort}`]);
    process.kill(Number(stdout.trim()), "SIGKILL");
    await dev.printed(/bridge +│ ended with SIGKILL; starting it again/);
    const response = await waiting;
    expect([response.status, await response.json()]).toMatchObject([200, { id: "txn_2", prediction: 2 }]);
  });

  test("answers again from what it had stored when its runtimes were killed with -9", async () => {
    const keyed = () =>
      fetch(`http://localhost:${port}/predict`, {
        method: "POST",
        headers: { "Idempotency-Key": '"a key that outlives the runtime"' },
        body: JSON.stringify({ id: "kept", features: [1] }),
        signal: AbortSignal.timeout(3_000),
      }).then(
        (response) => response.text(),
        () => "no answer",
      );
    // With the time of the prediction in it: made anew it would be another one.
    const before = await keyed();
    expect(JSON.parse(before)).toMatchObject({ id: "kept", prediction: 1 });
    const runtimes = await runtimesOf(dev.pid);
    expect(runtimes.length).toBeGreaterThan(0);
    for (const pid of runtimes) process.kill(pid, "SIGKILL");
    await expect.poll(keyed, { timeout: 50_000, interval: 500 }).toBe(before);
  });

  test("ends everything it started on Ctrl-C", async () => {
    dev.signal("SIGINT");
    expect(await dev.ended).toBe(0);
    expect([await isUp(port), await isUp(bridgePort)]).toEqual([false, false]);
  });
});

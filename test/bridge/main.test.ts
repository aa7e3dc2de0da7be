import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { basic, raw, temporaryFolder } from "./support.ts";

const main = fileURLToPath(new URL("../../bridge/main.ts", import.meta.url));
const headers = { authorization: basic("dev", "dev") };

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exited: Promise<number | null>;
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env } });
  let output = "";
  const take = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  return { child, output: () => output, exited };
}

async function urlOf({ child, output, exited }: Running): Promise<string> {
  let ended = false;
  void exited.then(() => (ended = true));
  for (;;) {
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(output()) ?? [];
    if (url !== undefined) return url;
    if (ended || child.stdout === null) throw new Error(`the bridge did not start: ${output()}`);
    await Promise.race([once(child.stdout, "data"), exited]);
  }
}

test("kill -9 between appends loses nothing that was acknowledged", { timeout: 30_000 }, async () => {
  const args = ["--port", "0", "--state", await temporaryFolder(), "--topic", "red:2"];
  const acknowledged: string[] = [];
  for (const round of [1, 2, 3]) {
    const bridge = run(args);
    const url = await urlOf(bridge);
    let sent = 0;
    const produceOn = async (): Promise<void> => {
      for (;;) {
        const value = `${round}:${sent++}`;
        await raw(`${url}/produce/red`, {
          method: "POST",
          headers,
          body: [{ value }, { value: `${value}b` }],
        });
        acknowledged.push(value, `${value}b`);
        if (acknowledged.length >= round * 200) bridge.child.kill("SIGKILL");
      }
    };
    // Every producer ends with the connection that the kill cuts.
    await Promise.allSettled([produceOn(), produceOn(), produceOn(), produceOn()]);
    await bridge.exited;
  }
  const url = await urlOf(run(args));
  const topicPartitionOffsets = [0, 1].map((partition) => ({ topic: "red", partition, offset: 0 }));
  const answer = await raw(`${url}/fetch`, { method: "POST", headers, body: { topicPartitionOffsets } });
  const found = new Set((answer.json as { value: string }[]).map(({ value }) => value));
  expect(acknowledged.length).toBeGreaterThanOrEqual(600);
  expect(acknowledged.filter((value) => !found.has(value))).toEqual([]);
});

test.each(["SIGTERM", "SIGINT"] as const)("%s ends it cleanly, long polls included", async (signal) => {
  const bridge = run(["--port", "0", "--topic", "red:1"]);
  const url = await urlOf(bridge);
  const polled = raw(`${url}/fetch`, {
    method: "POST",
    headers,
    body: { topic: "red", partition: 0, offset: 0, timeout: 30_000 },
  });
  // Answered after the poll was taken: both went out in this order, each on its own connection.
  await raw(`${url}/topics`, { headers });
  bridge.child.kill(signal);
  expect(await bridge.exited).toBe(0);
  expect((await polled).text).toBe("[]");
});

test("a taken port is one clear line and exit code 1", async () => {
  const url = await urlOf(run(["--port", "0"]));
  const second = run(["--port", new URL(url).port]);
  expect(await second.exited).toBe(1);
  expect(second.output()).toMatch(/^hearback-bridge: .*another process listens there.*\n$/);
});

test.each([
  ["--port", "web"],
  ["--port", "65536"],
  ["--topic", "red"],
  ["--topic", "a b:1"],
  ["--nonsense", "1"],
])("%s %s is one line and exit code 1", async (...args) => {
  const bridge = run(args);
  expect(await bridge.exited).toBe(1);
  expect(bridge.output()).toMatch(/^hearback-bridge: .+\n$/);
});

test("credentials come from options, else from the environment", async () => {
  const env = { HEARBACK_BRIDGE_USER: "u", HEARBACK_BRIDGE_PASSWORD: "p" };
  const url = await urlOf(run(["--port", "0", "--password", "option"], env));
  const statusFor = async (user: string, secret: string) =>
    (await raw(`${url}/topics`, { headers: { authorization: basic(user, secret) } })).status;
  expect(await statusFor("u", "option")).toBe(200);
  expect(await statusFor("u", "p")).toBe(401);
  expect(await statusFor("dev", "dev")).toBe(401);
});

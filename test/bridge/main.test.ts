// The command line of the bridge, as a process: options, signals, credentials.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { basic, raw, temporaryFolder, until } from "../support/bridge.ts";

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

test("a produce whose body is still on its way when SIGTERM comes is finished and answered", async () => {
  const bridge = run(["--port", "0", "--topic", "red:1"]);
  const url = await urlOf(bridge);
  const body = JSON.stringify({ value: "x" });
  const sent = request(`${url}/produce/red`, {
    method: "POST",
    headers: { ...headers, "content-length": body.length },
  });
  const answered = once(sent, "response") as Promise<[{ statusCode?: number }]>;
  sent.write(body.slice(0, 3));
  // Counted as in hand: the bridge has seen the headers.
  const inHand = async () => /bytes_in_hand (\d+)/.exec(await metricsOf(url))?.[1];
  while ((await inHand()) !== String(body.length));
  bridge.child.kill("SIGTERM");
  // New connections are refused once the end has begun.
  while (
    await raw(`${url}/healthz`).then(
      () => true,
      () => false,
    )
  );
  sent.end(body.slice(3));
  expect((await answered)[0].statusCode).toBe(200);
  expect(await bridge.exited).toBe(0);
});

test("a second signal exits at once", async () => {
  const bridge = run(["--port", "0"]);
  const url = await urlOf(bridge);
  const stuck = request(`${url}/produce/red`, {
    method: "POST",
    headers: { ...headers, "content-length": 9 },
  });
  stuck.on("error", () => undefined);
  stuck.write("{");
  while (!(await metricsOf(url)).includes("hearback_bridge_bytes_in_hand 9"));
  bridge.child.kill("SIGTERM");
  while (
    await raw(`${url}/healthz`).then(
      () => true,
      () => false,
    )
  );
  const askedAt = Date.now();
  bridge.child.kill("SIGTERM");
  expect(await bridge.exited).toBe(143);
  expect(Date.now() - askedAt).toBeLessThan(2_000);
});

test("on SIGHUP the file of credentials is read again, and a broken one changes nothing", async () => {
  const file = join(await temporaryFolder(), "credentials.json");
  const entryOf = async (user: string) =>
    JSON.parse(
      (await outcomeOf(["credential", "--user", user, "--access", "full"], "pw\n")).stdout,
    ) as unknown;
  const [ann, bob] = [await entryOf("ann"), await entryOf("bob")];
  writeFileSync(file, JSON.stringify([ann]));
  const bridge = run(["--port", "0", "--credentials", file]);
  const url = await urlOf(bridge);
  const statusOf = async (user: string, secret = "pw") =>
    (await raw(`${url}/topics`, { headers: { authorization: basic(user, secret) } })).status;
  expect([await statusOf("ann"), await statusOf("bob"), await statusOf("dev", "dev")]).toEqual([
    200, 401, 401,
  ]);

  writeFileSync(file, JSON.stringify([bob]));
  bridge.child.kill("SIGHUP");
  await until(() => bridge.output().includes('"credentials read"'), true);
  expect([await statusOf("ann"), await statusOf("bob")]).toEqual([401, 200]);

  writeFileSync(file, JSON.stringify([{ user: "bob" }]));
  bridge.child.kill("SIGHUP");
  await until(() => bridge.output().includes('"credentials kept"'), true);
  expect(bridge.output()).toContain("entry 1, password: is missing");
  expect(await statusOf("bob")).toBe(200);
});

test("a broken file of credentials at the start is one line that names file, entry and field", async () => {
  const file = join(await temporaryFolder(), "credentials.json");
  writeFileSync(file, '[{"user":"a","password":"hunter2"}]');
  const bridge = run(["--credentials", file]);
  expect(await bridge.exited).toBe(1);
  expect(bridge.output()).toMatch(
    /^hearback-bridge: .*credentials\.json: entry 1, password: must be a hash.*\n$/,
  );
  expect(bridge.output()).not.toContain("hunter2");
});

test("a credential without a password gets one, shown beside the entry", async () => {
  const { stdout, stderr } = await outcomeOf(
    ["credential", "--user", "w", "--access", "produce", "--topic", "a*"],
    "",
  );
  expect(JSON.parse(stdout)).toEqual({
    user: "w",
    password: expect.stringMatching(/^scrypt\$/),
    access: "produce",
    topics: ["a*"],
  });
  expect(stderr).toMatch(/^password, shown this once: [\w-]{32}\n$/);
});

test.each([
  [["credential"], /--user/],
  [["credential", "--user", "a:b"], /user/],
  [["credential", "--user", "a", "--topic", "a*b"], /topics\.0/],
  [["credential", "--user", "a", "--access", "all"], /none of full/],
])("%j makes no entry", async (args, problem) => {
  const { stdout, stderr, code } = await outcomeOf(args, "pw");
  expect([stdout, code]).toEqual(["", 1]);
  expect(stderr).toMatch(problem);
});

test("the default password is refused where other machines come in, unless told", async () => {
  for (const args of [
    ["--host", "0.0.0.0"],
    ["--host", "::"],
    ["--host", "0.0.0.0", "--user", "somebody"],
  ]) {
    const bridge = run(args);
    expect(await bridge.exited).toBe(1);
    expect(bridge.output()).toMatch(/^hearback-bridge: the password is the default one.*--insecure.*\n$/);
  }
  for (const args of [["--insecure"], ["--password", "p"]]) {
    const bridge = run(["--host", "0.0.0.0", "--port", "0", ...args]);
    await until(() => bridge.output().includes("listens on"), true);
  }
});

test("answers are logged only with --access-log, one line of JSON each", async () => {
  const quiet = run(["--port", "0"]);
  await raw(`${await urlOf(quiet)}/topics`, { headers });
  const bridge = run(["--port", "0", "--access-log"]);
  await raw(`${await urlOf(bridge)}/topics?pass=p`, { headers });
  await until(() => bridge.output().includes('"answered"'), true);
  const line = bridge.output().split("\n").at(-2) ?? "";
  expect(JSON.parse(line)).toMatchObject({ event: "answered", method: "GET", path: "/topics", status: 200 });
  expect(quiet.output().split("\n")).toHaveLength(2);
});

test("the README shows the options as --help does", async () => {
  const readme = readFileSync(fileURLToPath(new URL("../../bridge/README.md", import.meta.url)), "utf8");
  const { stdout, code } = await outcomeOf(["--help"], "");
  expect(code).toBe(0);
  expect(readme).toContain(`\`\`\`text\n${stdout}\`\`\`\n`);
});

async function metricsOf(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`, { headers })).text();
}

/** A command that ends by itself. */
async function outcomeOf(
  args: readonly string[],
  input: string,
): Promise<{ readonly stdout: string; readonly stderr: string; readonly code: number | null }> {
  const child = spawn(process.execPath, [main, ...args]);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { stdout, stderr, code };
}

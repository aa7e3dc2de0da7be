// What becomes of a process that a contender runs, in whichever way it or the load program ends.

import { expect, onTestFinished, test, vi } from "vitest";
import { startChild } from "../../bench/contenders/support/child-process.ts";
import { runCommand } from "../support/command.ts";
import { isAlive } from "../support/sidecar.ts";

const module = new URL("../../bench/contenders/support/child-process.ts", import.meta.url).href;
/** Says the process id of a child of its own, and that it is up. */
const family = ["-c", "sleep 600 & echo child $!; echo up; wait"];

const gone = (pid: number) => vi.waitFor(() => expect(isAlive(pid)).toBe(false), 10_000);
const childIn = (output: string) => Number(/child (\d+)/.exec(output)?.[1]);

test("a process and its own children are gone after a stop, and a second stop does nothing", async () => {
  const lines: string[] = [];
  const child = await startChild({
    name: "family",
    command: "sh",
    args: family,
    ready: /^up$/,
    onLine: (line) => lines.push(line),
  });
  const grandchild = childIn(lines.join("\n"));
  expect(isAlive(child.pid) && isAlive(grandchild)).toBe(true);
  await child.stop();
  await gone(child.pid);
  await gone(grandchild);
  await child.stop();
  expect(lines).toEqual([`child ${grandchild}`]);
});

test("a process and its own children go with the load program when that is killed with -9", async () => {
  const program = `
    const { startChild } = await import(${JSON.stringify(module)});
    const { pid } = await startChild({
      name: "family",
      command: "sh",
      args: ${JSON.stringify(family)},
      ready: /^up$/,
      onLine: console.log,
    });
    console.log("family " + pid);
    setInterval(() => undefined, 1_000);`;
  const parent = runCommand(process.execPath, ["--input-type=module", "--eval", program]);
  onTestFinished(() => parent.signal("SIGKILL"));
  await parent.printed(/family \d+/);
  const pids = [Number(/family (\d+)/.exec(parent.output())?.[1]), childIn(parent.output())];
  expect(pids.every(isAlive)).toBe(true);
  process.kill(parent.pid, "SIGKILL");
  for (const pid of pids) await gone(pid);
});

test("one that ends before it is ready is told of with its last lines", async () => {
  const start = startChild({
    name: "the peer",
    command: "sh",
    args: ["-c", "echo no such option >&2; exit 3"],
    ready: async () => false,
    onLine: () => undefined,
  });
  await expect(start).rejects.toThrow("the peer did not start: it ended with 3\nno such option");
});

test("one that is never ready is ended, and one that is not there at all is no endless wait", async () => {
  const spec = { name: "the peer", ready: /never/, onLine: () => undefined, timeoutMs: 300 };
  await expect(startChild({ ...spec, command: "sh", args: ["-c", "exec sleep 600"] })).rejects.toThrow(
    "the peer did not start: it was not ready within 0.3 s",
  );
  await expect(startChild({ ...spec, command: "/nowhere/at/all", args: [] })).rejects.toThrow("ENOENT");
});

test("one that dies later is complained of", async () => {
  const lines: string[] = [];
  const child = await startChild({
    name: "the peer",
    command: "sh",
    args: ["-c", "echo up; exec sleep 600"],
    ready: /^up$/,
    onLine: (line) => lines.push(line),
  });
  process.kill(child.pid, "SIGKILL");
  await vi.waitFor(() => expect(lines).toEqual(["the peer is gone: it ended with SIGKILL"]));
});

// A sidecar as whoever supervises it sees it: a command, a line when ready, one process to signal.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { freePort } from "../../dev/ports.ts";
import { runCommand, type RunningCommand } from "./command.ts";
import { password, user } from "./loop.ts";

export interface RunningSidecar {
  readonly command: RunningCommand;
  readonly url: string;
  readonly bridgeUrl: string;
  readonly pid: number;
  /** Of the workerd that runs now. */
  workerd(): Promise<number>;
}

/** Its bridge takes the user of the loop's tests. Resolves when it is ready. */
export async function startSidecar(
  args: readonly string[],
  later: (cleanup: () => unknown) => void,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningSidecar> {
  const port = await freePort();
  const command = runCommand(
    process.execPath,
    ["sidecar/main.ts", "--service", "predict", "--port", String(port), ...args],
    { env: { HEARBACK_BRIDGE_USER: user, HEARBACK_BRIDGE_PASSWORD: password, ...env } },
  );
  later(async () => {
    command.signal("SIGTERM");
    await command.ended;
  });
  await command.printed(/^ready .*$/m);
  const [, bridgeUrl = ""] = /bridge on (http:\/\/[\d.:]+)/.exec(command.output()) ?? [];
  const pid = await onlyPid("-f", `sidecar/main.ts .*--port ${port}`);
  return {
    command,
    url: `http://127.0.0.1:${port}`,
    bridgeUrl,
    pid,
    workerd: () => onlyPid("-P", String(pid)),
  };
}

async function onlyPid(...args: string[]): Promise<number> {
  const { stdout } = await promisify(execFile)("pgrep", args);
  return Number(stdout.trim());
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

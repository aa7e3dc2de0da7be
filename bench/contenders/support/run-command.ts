// A command that ends by itself: what installs and builds a contender.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface CommandOptions {
  readonly cwd: string;
  /** Added to ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** Told its lines of both streams. */
  readonly onLine: (line: string) => void;
}

/** Rejects with a sentence when it cannot be started, or ends with anything but 0. */
export async function runCommand(
  command: string,
  args: readonly string[],
  { cwd, env = {}, onLine }: CommandOptions,
): Promise<void> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", onLine);
  const ended = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, killedBy) => resolve(killedBy ?? code));
  });
  if (ended !== 0) throw new Error(`${command} ${args[0]} in ${cwd} ended with ${ended}`);
}

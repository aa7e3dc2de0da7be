// A command run as a user runs it, with its output at hand.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface RunningCommand {
  readonly pid: number;
  /** Everything printed so far. */
  output(): string;
  /** Resolves when the output matches; rejects when the command ends first. */
  printed(pattern: RegExp): Promise<void>;
  /** To the command and its children, as Ctrl-C reaches everything in the foreground. */
  signal(name: NodeJS.Signals): void;
  /** The exit code, or null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

export function runCommand(
  command: string,
  args: readonly string[],
  { cwd = root, env = {} }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): RunningCommand {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      for (const watch of watchers) watch();
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  return {
    pid: child.pid ?? 0,
    output: () => output,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const watch = (): void => {
          if (!pattern.test(output)) return;
          watchers.delete(watch);
          resolve();
        };
        watchers.add(watch);
        watch();
        void ended.then((code) =>
          reject(new Error(`${command} ended with ${code} before ${pattern}:\n${output}`)),
        );
      }),
    signal: (name) => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid, name);
      }
    },
    ended,
  };
}

// A process that a contender runs: started, known to be ready, ended by its process id together with what it
// started. It never outlives us, not even when we are killed with -9.

import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

export interface ChildSpec {
  /** How messages call it. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** A line that it prints, or a question asked every 100 ms. */
  readonly ready: RegExp | (() => Promise<boolean>);
  /** Told its lines of both streams, but for the one that said that it is ready. */
  readonly onLine: (line: string) => void;
  /** From the start to being ready; 60 s when not given. */
  readonly timeoutMs?: number;
}

export interface RunningChild {
  readonly pid: number;
  /** SIGTERM, after a grace of 10 s SIGKILL; resolves when it is gone, at once when it was. */
  stop(): Promise<void>;
}

const pollMs = 100;
const stopTimeoutMs = 10_000;
const linesKept = 20;

/** Rejects with a sentence and its last lines when it cannot be started, ends first or is not ready in time. */
export async function startChild(spec: ChildSpec): Promise<RunningChild> {
  const { name, command, args, cwd, env = {}, ready, onLine, timeoutMs = 60_000 } = spec;
  const child = spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: Ctrl-C reaches only us, and it ends with its own children.
    detached: true,
  });
  const killWithUs = (): void => signalGroup(child, "SIGKILL");
  process.once("exit", killWithUs);
  const disarm = child.pid === undefined ? (): void => undefined : guard(child.pid);
  let failure = "";
  const gone = new Promise<void>((resolve) => {
    child.once("error", (cause) => {
      failure = cause.message;
      resolve();
    });
    child.once("exit", (code, killedBy) => {
      failure = `it ended with ${killedBy ?? code}`;
      resolve();
    });
  }).then(() => {
    // What it started may be there yet.
    signalGroup(child, "SIGKILL");
    disarm();
    process.off("exit", killWithUs);
  });

  const lastLines: string[] = [];
  let saidReady = false;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      if (!saidReady && ready instanceof RegExp && ready.test(line)) {
        saidReady = true;
        return;
      }
      lastLines.push(line);
      if (lastLines.length > linesKept) lastLines.shift();
      onLine(line);
    });
  }
  const stop = async (): Promise<void> => {
    if (failure === "") signalGroup(child, "SIGTERM");
    const kill = setTimeout(() => signalGroup(child, "SIGKILL"), stopTimeoutMs);
    await gone;
    clearTimeout(kill);
  };

  const giveUpAt = Date.now() + timeoutMs;
  const isReady = ready instanceof RegExp ? async (): Promise<boolean> => saidReady : ready;
  // Gone before ready: on a port that it could not have, somebody else may answer.
  while (failure !== "" || !(await isReady())) {
    const reason = failure || (Date.now() > giveUpAt ? `it was not ready within ${timeoutMs / 1_000} s` : "");
    if (reason !== "") {
      await stop();
      throw new Error([`${name} did not start: ${reason}`, ...lastLines].join("\n"));
    }
    await sleep(pollMs);
  }
  let stopping = false;
  void gone.then(() => {
    if (!stopping) onLine(`${name} is gone: ${failure}`);
  });
  return {
    pid: child.pid ?? 0,
    stop: () => {
      stopping = true;
      return stop();
    },
  };
}

/**
 * A shell that reads from us and kills the group when we are gone without a word, since nothing of ours runs after
 * a kill -9. Told a line, it ends and kills nobody: by then the process id may be somebody else's.
 */
function guard(pid: number): () => void {
  const shell = spawn("sh", ["-c", 'read -r _ || kill -s KILL -- "-$0"', String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  shell.once("error", () => undefined);
  shell.stdin.once("error", () => undefined);
  shell.unref();
  return () => shell.stdin.end("gone\n");
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Gone already.
  }
}

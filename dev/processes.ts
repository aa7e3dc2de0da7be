// The child processes of `npm run dev`: started with their lines prefixed, started again when they die, ended
// together. What each of them is, children.ts says.

import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";

export interface ProcessSpec {
  /** Shown before each line it prints. */
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Which of its lines are worth showing; all by default. */
  readonly show?: (line: string) => boolean;
}

/** A process that ends by itself sooner than this after its start would do so again. */
const shortestLifeMs = 2_000;
/** How long a process may take to end by itself before it is killed. */
const endTimeoutMs = 5_000;

export class Processes {
  readonly #children = new Set<ChildProcess>();
  readonly #byName = new Map<string, ChildProcess>();
  #ending = false;

  /** Starts it again whenever it dies; `gaveUp` is called when it cannot stay alive. */
  start(spec: ProcessSpec, gaveUp: (name: string) => void): void {
    const { name, args, env, show = () => true } = spec;
    const startedAt = Date.now();
    const child = spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
      // A group of its own: Ctrl-C reaches only us, and we end it with its children.
      detached: true,
    });
    this.#children.add(child);
    this.#byName.set(name, child);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        const plain = stripVTControlCharacters(line);
        if (plain.trim() !== "" && show(plain)) console.log(`${name.padEnd(8)}│ ${plain}`);
      });
    }
    child.on("error", (cause) => {
      this.#children.delete(child);
      console.log(`${name.padEnd(8)}│ ${cause.message}`);
      if (!this.#ending) gaveUp(name);
    });
    child.on("exit", (code, killedBy) => {
      this.#children.delete(child);
      if (this.#ending) return;
      if (killedBy === null && Date.now() - startedAt < shortestLifeMs) {
        gaveUp(name);
        return;
      }
      console.log(`${name.padEnd(8)}│ ended with ${killedBy ?? code}; starting it again`);
      this.start(spec, gaveUp);
    });
  }

  /** Ends one that runs and does no good, so that it is started again. */
  kill(name: string): void {
    const child = this.#byName.get(name);
    if (child !== undefined) signal(child, "SIGKILL");
  }

  /** Asks all to end, kills those that do not, and resolves when none is left. */
  async end(): Promise<void> {
    this.#ending = true;
    const children = [...this.#children];
    for (const child of children) signal(child, "SIGTERM");
    const kill = setTimeout(() => {
      for (const child of this.#children) signal(child, "SIGKILL");
    }, endTimeoutMs);
    await Promise.all(
      children.map(
        (child) =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null || child.signalCode !== null) resolve();
            else child.once("exit", () => resolve());
          }),
      ),
    );
    clearTimeout(kill);
  }
}

/** To the whole group: wrangler's own children must end with it. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // Gone already.
  }
}

// A gateway whose Workers runtime can be killed and comes back over the same storage: Miniflare, with one workerd as
// its child. Storage is on disk, in a folder that outlives workerd. Which Worker it is, is the caller's business.

import { execFile } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { keepSignals } from "../../sidecar/keep-signals.ts";
import { openFiles, rssMiB } from "./process-resources.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface RestartableGateway {
  /** The same after a restart; real HTTP. */
  readonly url: string;
  /** Past the Worker that Miniflare puts before all others: what the Worker is sent is what was sent. */
  readonly directUrl: string;
  /** Folder of the waiters' SQLite files. */
  readonly waiters: string;
  /** What the Worker and Miniflare have said. */
  readonly lines: readonly string[];
  /** Of these, what was said as an error. */
  readonly errors: readonly string[];
  /** Of the workerd that runs now. Throws while none does. */
  pid(): number;
  /** kill -9. Resolves when workerd is gone; Miniflare starts another one by itself, as a supervisor would. */
  kill(): Promise<void>;
  /** Resolves when the workerd that follows a killed one answers. */
  restarted(): Promise<void>;
  /** SIGSTOP: it does nothing until `resume`, and knows nothing of it. */
  freeze(): void;
  resume(): void;
  /** What the cron trigger does every minute. Rejects when it is not done within 5 s. */
  tick(): Promise<void>;
  /** Resident memory of the workerd that runs now. */
  rssMiB(): number;
  /** Of the same. */
  openFiles(): number;
  /** That the workerd which runs now has taken so far, in its own code and in the kernel's for it. */
  cpuMs(): number;
  /** What the Worker and its objects have in their JavaScript heap. Only of one that is measured. */
  heapMiB(): Promise<number>;
}

export interface RestartableOptions {
  /** File of the Worker's entry, from the root; it exports `Waiter` and `ReplyDrain`. */
  readonly entry: string;
  readonly name: string;
  /** Can be asked for its heap, and keeps no garbage. */
  readonly isMeasured?: boolean;
  readonly variables: Readonly<Record<string, string | number>>;
  /** Rate-limit bindings by name. */
  readonly rateLimits?: Readonly<Record<string, { readonly limit: number; readonly period: 10 | 60 }>>;
}

/** All of it is undone by `later`. */
export async function startRestartableGateway(
  { entry, name, variables, isMeasured = false, rateLimits = {} }: RestartableOptions,
  later: (cleanup: () => unknown) => void,
): Promise<RestartableGateway> {
  const script = await bundled(entry);
  const storage = await mkdtemp(join(tmpdir(), "hearback-objects-"));
  later(() => rm(storage, { recursive: true, force: true }));
  const others = new Set(workerdPids());
  const lines: string[] = [];
  const errors: string[] = [];
  const restarts: (() => void)[] = [];
  let running = Promise.resolve();
  const undoFlags = isMeasured ? collectAlways() : () => {};
  const giveBackSignals = keepSignals();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name,
      modules: [{ type: "ESModule", path: "worker.js", contents: script }],
      compatibilityDate: "2026-10-23",
      compatibilityFlags: ["enable_request_signal"],
      bindings: { ...variables },
      ratelimits: Object.fromEntries(
        Object.entries(rateLimits).map(([binding, simple]) => [
          binding,
          { namespace_id: "1", simple: { ...simple } },
        ]),
      ),
      durableObjects: {
        WAITER: { className: "Waiter", useSQLite: true },
        REPLY_DRAIN: { className: "ReplyDrain", useSQLite: true },
      },
      host: "127.0.0.1",
      port: 0,
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      resourcePersistencePath: storage,
      ...(isMeasured ? { inspectorPort: 0 } : {}),
      cf: false,
      telemetry: { enabled: false },
      unsafeTriggerHandlers: true,
      log: new CollectedLog(lines, errors),
      handleStructuredLogs: ({ level, message }) => {
        lines.push(message);
        if (level === "error") errors.push(message);
      },
      unsafeHandleRuntimeRestart: () => {
        for (const restarted of restarts.splice(0)) restarted();
      },
    }),
  );
  giveBackSignals();
  let frozen: number | undefined;
  const resume = (): void => {
    if (frozen !== undefined) process.kill(frozen, "SIGCONT");
    frozen = undefined;
  };
  later(() => {
    // One that is stopped would not end.
    resume();
    return miniflare.dispose();
  });
  const url = await miniflare.ready;
  const directUrl = await miniflare.unsafeGetDirectURL();
  undoFlags();
  const pid = (): number => {
    const [own, ...more] = workerdPids().filter((one) => !others.has(one));
    if (own === undefined || more.length > 0) throw new Error("one workerd of our own was expected");
    return own;
  };
  return {
    url: url.origin,
    directUrl: directUrl.origin,
    waiters: join(storage, "do", `${name}-Waiter`),
    lines,
    errors,
    pid,
    freeze() {
      frozen = pid();
      process.kill(frozen, "SIGSTOP");
    },
    resume,
    async tick() {
      await fetch(`${url.origin}/cdn-cgi/local/scheduled`, { signal: AbortSignal.timeout(5_000) });
    },
    async kill() {
      const killed = pid();
      running = new Promise((resolve) => restarts.push(resolve));
      process.kill(killed, "SIGKILL");
      while (isRunning(killed)) await new Promise((resolve) => setImmediate(resolve));
    },
    restarted: () => running,
    heapMiB: async () => heapMiB(await miniflare.getInspectorURL(), name),
    openFiles: () => openFiles(pid()),
    cpuMs: () => cpuMs(pid()),
    rssMiB: () => rssMiB(pid()),
  };
}

/**
 * Garbage is not growth. Miniflare's own Workers, through which each request goes, cannot be told to collect theirs,
 * and theirs holds some KiB of native memory a request: with these flags each collection is a whole one, and there are
 * many.
 */
function collectAlways(): () => void {
  const before = process.env[v8Flags];
  process.env[v8Flags] = "--expose-gc --gc-global --max-semi-space-size=1";
  return () => {
    if (before === undefined) delete process.env[v8Flags];
    else process.env[v8Flags] = before;
  };
}

/** Read by Miniflare when it starts workerd. */
const v8Flags = "MINIFLARE_WORKERD_V8_FLAGS";

/** Asks the inspector, by the protocol that browsers' tools use. */
async function heapMiB(inspector: URL, name: string): Promise<number> {
  const targets = (await (await fetch(`http://${inspector.host}/json`)).json()) as {
    readonly id: string;
    readonly webSocketDebuggerUrl: string;
  }[];
  const url = targets.find(({ id }) => id === `core:user:${name}`)?.webSocketDebuggerUrl;
  if (url === undefined) throw new Error(`the inspector does not know ${name}`);
  const socket = new WebSocket(url);
  return new Promise((resolve, reject) => {
    socket.addEventListener("error", () => reject(new Error("the inspector does not answer")));
    socket.addEventListener("open", () => socket.send('{"id":1,"method":"Runtime.getHeapUsage"}'));
    socket.addEventListener("message", ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: { usedSize: number } };
      if (id !== 1 || result === undefined) return;
      socket.close();
      resolve(result.usedSize / 1_024 ** 2);
    });
  });
}

const scripts = new Map<string, Promise<string>>();

/** As Wrangler would deploy it. Once per entry: it takes seconds. */
function bundled(entry: string): Promise<string> {
  const made = scripts.get(entry) ?? bundle(entry);
  scripts.set(entry, made);
  return made;
}

async function bundle(entry: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearback-bundle-"));
  try {
    await promisify(execFile)(
      process.execPath,
      ["node_modules/wrangler/bin/wrangler.js", "deploy", entry, "--dry-run", "--outdir", folder],
      { cwd: root, env: { ...process.env, WRANGLER_SEND_METRICS: "false" } },
    );
    const script = readdirSync(folder).find((file) => file.endsWith(".js")) ?? "";
    return await readFile(join(folder, script), "utf8");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Children of this process. */
function workerdPids(): number[] {
  return readdirSync(`/proc/${process.pid}/task`)
    .flatMap((task) => childrenOf(task))
    .filter((pid) => commandOf(pid) === "workerd");
}

function childrenOf(task: string): number[] {
  const path = `/proc/${process.pid}/task/${task}/children`;
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8").split(" ").filter(Boolean).map(Number);
}

/** Of a clock that Linux shows to programs at 100 Hz, whatever its own. */
const msPerTick = 10;

function cpuMs(pid: number): number {
  const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  // The state is the third field of all, and the first of these.
  const [user, system] = fields.split(" ").slice(11, 13).map(Number);
  return ((user ?? Number.NaN) + (system ?? Number.NaN)) * msPerTick;
}

/** Undefined for a process that is gone, also while its parent has not asked how it ended. */
function commandOf(pid: number): string | undefined {
  try {
    const [, command, state] = /^\d+ \((.*)\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return state === "Z" ? undefined : command;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  return commandOf(pid) !== undefined;
}

class CollectedLog extends Log {
  readonly #lines: string[];
  readonly #errors: string[];

  constructor(lines: string[], errors: string[]) {
    super(LogLevel.WARN);
    this.#lines = lines;
    this.#errors = errors;
  }

  override log(message: string): void {
    this.#lines.push(message);
  }

  override logWithLevel(level: LogLevel, message: string): void {
    super.logWithLevel(level, message);
    if (level === LogLevel.ERROR) this.#errors.push(message);
  }
}

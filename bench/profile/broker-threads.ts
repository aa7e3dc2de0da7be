// What of the broker's CPU its threads take, by what they are for: Java tells it in its list of threads.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** By name; the first that fits. */
const kinds: readonly (readonly [pattern: RegExp, kind: string])[] = [
  [/network-thread|socket-server/, "network threads"],
  [/request-handler/, "request handlers"],
  [/^(GC|G1|VM|Sweeper|Reference|Finalizer)/, "garbage collection and VM"],
  [/^C[12] Compiler/, "compiler (JIT)"],
  [/kafka-\d+-raft|quorum|controller|raft/i, "controller"],
];

/** CPU ms since each thread began, by kind. Undefined where there is no `jcmd`. */
export async function brokerThreads(pid: number): Promise<ReadonlyMap<string, number> | undefined> {
  try {
    const { stdout } = await run("jcmd", [`${pid}`, "Thread.print"], { maxBuffer: 16 * 1_024 ** 2 });
    return cpuMsByKind(stdout);
  } catch {
    return undefined;
  }
}

/** Pure. */
export function cpuMsByKind(threads: string): ReadonlyMap<string, number> {
  const byKind = new Map<string, number>();
  for (const [, name = "", ms = ""] of threads.matchAll(/^"([^"]+)".*? cpu=([\d.]+)ms/gm)) {
    const kind = kinds.find(([pattern]) => pattern.test(name))?.[1] ?? "other threads";
    byKind.set(kind, (byKind.get(kind) ?? 0) + Number(ms));
  }
  return byKind;
}

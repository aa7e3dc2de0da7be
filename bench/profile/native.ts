// What of a process's CPU is spent in which native code, as Linux's `perf` sees it. There may be no `perf`.

import { execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

export interface NativeShare {
  readonly part: string;
  /** Of all samples, 0 to 1. */
  readonly share: number;
}

/** By object and symbol; the first that fits. */
const parts: readonly (readonly [pattern: RegExp, part: string])[] = [
  [/^\[(kernel|guest)|\[k\]/, "kernel: sockets, files, threads"],
  [
    /v8::internal::.*(Scaveng|Mark|Sweep|Heap|GC|Concurrent|RememberedSet|Evacuat|GlobalHandles|Allocat)|cppgc::/,
    "V8: garbage collection",
  ],
  [/v8::|Builtins_|v8_inspector|CpuProfil|Sampling/, "V8: engine and built-in functions"],
  [/\[JIT\]|^perf-\d+\.map|\[unknown\]|\/\/anon/, "JavaScript, compiled"],
  [/sqlite|unixOpen|unixLock|unixClose/i, "SQLite"],
  [/tcmalloc|TCMalloc|malloc|operator (new|delete)/, "malloc"],
  [/hyper|tokio|httparse|(^|[^a-z])http::/, "HTTP (hyper)"],
  [/capnp::/, "RPC (Cap'n Proto)"],
  [/kj::/, "promises and I/O (KJ)"],
  [/workerd::/, "workerd's API"],
];

const run = promisify(execFile);

/** Samples for `seconds` from now. Undefined where there is no `perf` that may. */
export async function nativeShares(
  pid: number,
  seconds: number,
  folder: string,
): Promise<readonly NativeShare[] | undefined> {
  const file = join(folder, `perf-${pid}.data`);
  const recording = spawn(
    "perf",
    ["record", "-q", "-e", "cpu-clock", "-F", "499", "-o", file, "-p", `${pid}`, "--", "sleep", `${seconds}`],
    { stdio: "ignore" },
  );
  const code = await new Promise<number | null>((resolve) => {
    recording.once("error", () => resolve(null));
    recording.once("exit", resolve);
  });
  if (code !== 0) return undefined;
  const report = [
    "report",
    "-i",
    file,
    "--stdio",
    "--no-children",
    "-F",
    "overhead,dso,sym",
    "-t",
    ";",
    "-q",
  ];
  const { stdout } = await run("perf", report, { maxBuffer: 64 * 1_024 ** 2 });
  return sharesOf(stdout);
}

/** `report`: lines of `overhead;object;symbol`. Pure. */
export function sharesOf(report: string): readonly NativeShare[] {
  const byPart = new Map<string, number>();
  for (const line of report.split("\n")) {
    const [percent = "", ...rest] = line.split(";");
    const share = Number.parseFloat(percent) / 100;
    if (Number.isNaN(share)) continue;
    const symbol = rest.join(" ").trim();
    const part = parts.find(([pattern]) => pattern.test(symbol))?.[1] ?? "other native code";
    byPart.set(part, (byPart.get(part) ?? 0) + share);
  }
  return [...byPart]
    .map(([part, share]) => ({ part, share }))
    .toSorted((one, other) => other.share - one.share);
}

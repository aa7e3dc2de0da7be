// What processes take of the machine while something is measured: CPU time and resident memory, as Linux tells them.

import { readFileSync } from "node:fs";
import type { ProcessUse } from "../raw.ts";

export interface ProcessWatch {
  /** From now on. */
  begin(): { readonly end: () => readonly ProcessUse[] };
  /** Resident memory now, by process. */
  rssMiB(): ReadonlyMap<string, number>;
  /** User and system time since each began, by process. */
  cpuSeconds(): ReadonlyMap<string, number>;
}

/** Of `getconf CLK_TCK`: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;
const everyMs = 250;

/** Processes by what they are called; one that is gone counts as nothing from then on. */
export function watchProcesses(processes: ReadonlyMap<string, number>): ProcessWatch {
  const cpuSeconds = () => mapValues(processes, cpuSecondsOf);
  const rssMiB = () => mapValues(processes, rssMiBOf);
  return {
    cpuSeconds,
    rssMiB,
    begin() {
      const before = cpuSeconds();
      let peaks = rssMiB();
      const look = (): void => {
        const now = rssMiB();
        peaks = mapValues(peaks, (peak, name) => Math.max(peak, now.get(name) ?? 0));
      };
      const ticking = setInterval(look, everyMs);
      return {
        end() {
          clearInterval(ticking);
          look();
          const after = cpuSeconds();
          return [...processes.keys()].map((name) => ({
            name,
            cpuSeconds: Math.max(0, (after.get(name) ?? 0) - (before.get(name) ?? 0)),
            peakMiB: peaks.get(name) ?? 0,
          }));
        },
      };
    },
  };
}

function mapValues<From, To>(
  values: ReadonlyMap<string, From>,
  to: (value: From, name: string) => To,
): Map<string, To> {
  return new Map([...values].map(([name, value]) => [name, to(value, name)]));
}

function rssMiBOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(fileOf(pid, "status"))?.[1] ?? 0) / 1_024;
}

/** Of all its threads. The name of a process may hold blanks and brackets: fields are counted from its end. */
function cpuSecondsOf(pid: number): number {
  const stat = fileOf(pid, "stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond;
}

function fileOf(pid: number, name: "stat" | "status"): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}

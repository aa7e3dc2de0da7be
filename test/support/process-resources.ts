// What a process has of the machine, as Linux tells it.

import { readFileSync, readdirSync } from "node:fs";

/** Resident memory. Throws when there is no such process. */
export function rssMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;
}

/** Throws when there is no such process. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

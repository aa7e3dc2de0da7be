// What waiters have left on disk, read from their SQLite files beside the workerd that has them: rows and alarms, and
// whether anything was ever written. Nobody is woken by it.

import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** SQLite's first page: all that a database has in which nothing was ever written. */
const emptyDatabaseBytes = 4_096;

/** workerd locks a file for the moment in which it folds it up. */
const busyTimeoutMs = 2_000;

export interface LeftOnDisk {
  /** Objects that have a file; it stays, also when nothing is in it. */
  readonly objects: number;
  readonly rows: number;
  readonly alarms: number;
  /** Objects that have written something at some time, whatever is left of it. */
  readonly written: number;
}

/** `folder` is that of the class. */
export function leftOnDisk(folder: string): LeftOnDisk {
  const files = readdirSync(folder).filter((file) => /^[0-9a-f]{64}\.sqlite$/.test(file));
  const written = files.filter((file) => isWritten(join(folder, file)));
  return {
    objects: files.length,
    rows: written.reduce((sum, file) => sum + count(join(folder, file), "_cf_KV"), 0),
    alarms: alarmsOnDisk(folder),
    written: written.length,
  };
}

/** Of all objects of the class, without a look into their files. */
export function alarmsOnDisk(folder: string): number {
  return count(join(folder, "metadata.sqlite"), "_cf_ALARM");
}

function isWritten(path: string): boolean {
  const log = `${path}-wal`;
  return statSync(path).size > emptyDatabaseBytes || (existsSync(log) && statSync(log).size > 0);
}

function count(path: string, table: string): number {
  if (!existsSync(path)) return 0;
  const database = opened(path);
  try {
    const tables = database.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").all(table);
    if (tables.length === 0) return 0;
    return Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]);
  } finally {
    database.close();
  }
}

/** The log beside a file is gone between being seen and being opened when workerd folds the file up at that moment. */
function opened(path: string): DatabaseSync {
  const giveUpAt = Date.now() + busyTimeoutMs;
  for (;;) {
    try {
      return new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
    } catch (cause) {
      if (Date.now() >= giveUpAt) throw cause;
    }
  }
}

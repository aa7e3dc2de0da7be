// Removes the files that waiters left in the local state. On local disk every object costs a SQLite file that
// stays even when nothing is stored in it (any more); only development has this litter.

import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** One page: SQLite's schema and no table, since every table has a page of its own. */
const emptyDatabaseBytes = 4_096;
/** A few pages without a row are all that is left of one that was used; larger ones need not be opened. */
const mostBytesWhenEmptied = 64 * 1_024;

/**
 * `persistFolder` is wrangler's `--persist-to`. Beside a workerd that uses it, `idleMs` must be longer than any
 * waiter is of use to anybody: files that were touched since are left alone. Returns how many went.
 */
export async function sweepEmptyWaiters(persistFolder: string, idleMs = 0): Promise<number> {
  const objects = join(persistFolder, "v3", "do");
  const touchedSince = Date.now() - idleMs;
  let swept = 0;
  for (const folder of await namesIn(objects)) {
    if (!folder.endsWith("-Waiter")) continue;
    const files = new Set(await namesIn(join(objects, folder)));
    for (const file of files) {
      if (!/^[0-9a-f]{64}\.sqlite$/.test(file) || files.has(`${file}-wal`)) continue;
      const path = join(objects, folder, file);
      const { size, mtimeMs } = await stat(path);
      if (mtimeMs > touchedSince || size > mostBytesWhenEmptied) continue;
      if (size > emptyDatabaseBytes && holdsAnything(path)) continue;
      await rm(path, { force: true });
      swept++;
    }
  }
  return swept;
}

/** Rows or an alarm, in the tables that workerd keeps for an object. One that cannot be read is left alone. */
function holdsAnything(path: string): boolean {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    return tables.some(({ name }) => {
      // The only value that is kept there is the alarm.
      const which = name === "_cf_METADATA" ? "WHERE value IS NOT NULL" : "";
      const counted = database?.prepare(`SELECT COUNT(*) AS count FROM "${String(name)}" ${which}`).get();
      return counted?.["count"] !== 0;
    });
  } catch {
    return true;
  } finally {
    database?.close();
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    // Nothing was ever kept there.
    return [];
  }
}

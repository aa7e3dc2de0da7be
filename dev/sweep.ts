// Removes the files that waiters left in the local state. On local disk every object costs a SQLite file that
// stays even when nothing was ever stored in it; only development has this litter.

import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** One page: SQLite's schema and no table, since every table has a page of its own. */
const emptyDatabaseBytes = 4_096;

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
      if (size > emptyDatabaseBytes || mtimeMs > touchedSince) continue;
      await rm(path, { force: true });
      swept++;
    }
  }
  return swept;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    // Nothing was ever kept there.
    return [];
  }
}

// Which files of waiters are swept away, and which stay.

import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { DatabaseSync } from "node:sqlite";
import { sweepEmptyWaiters } from "../../dev/sweep.ts";

const idOf = (digit: string) => digit.repeat(64);

test("only empty databases of waiters go: no rows, no database in use, no other object, nothing touched lately", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hearback-sweep-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [waiters, drains] = ["gateway-Waiter", "gateway-ReplyDrain"].map((name) =>
    join(folder, "v3", "do", name),
  ) as [string, string];
  const hourAgo = new Date(Date.now() - 3_600_000);
  const put = async (at: string, name: string, bytes: number, touchedAt = hourAgo) => {
    await mkdir(at, { recursive: true });
    await writeFile(join(at, name), new Uint8Array(bytes));
    await utimes(join(at, name), touchedAt, touchedAt);
  };
  await put(waiters, "metadata.sqlite", 4_096);
  await put(waiters, `${idOf("a")}.sqlite`, 4_096);
  await put(waiters, `${idOf("b")}.sqlite`, 8_192);
  await put(waiters, `${idOf("c")}.sqlite`, 4_096);
  await put(waiters, `${idOf("c")}.sqlite-wal`, 0);
  await put(waiters, `${idOf("d")}.sqlite`, 4_096, new Date());
  await put(drains, `${idOf("e")}.sqlite`, 4_096);

  expect(await sweepEmptyWaiters(folder, 60_000)).toBe(1);
  const left = [...(await readdir(waiters)), ...(await readdir(drains))].map((name) => name[0]);
  expect(left.toSorted()).toEqual(["b", "c", "c", "d", "e", "m"]);
  expect(await sweepEmptyWaiters(folder)).toBe(1);
});

test("a database that was used goes once it holds neither a row nor an alarm", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hearback-sweep-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const waiters = join(folder, "v3", "do", "gateway-Waiter");
  await mkdir(waiters, { recursive: true });
  const put = (name: string, rows: readonly string[], alarm: string) => {
    const database = new DatabaseSync(join(waiters, `${name}.sqlite`));
    // As workerd makes them.
    database.exec(
      `CREATE TABLE _cf_KV (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
       CREATE TABLE _cf_METADATA (key INTEGER PRIMARY KEY, value BLOB);
       INSERT INTO _cf_METADATA VALUES (1, ${alarm});`,
    );
    for (const row of rows) database.exec(`INSERT INTO _cf_KV VALUES ('${row}', x'00')`);
    database.close();
  };
  put(idOf("a"), [], "NULL");
  put(idOf("b"), ["exchange"], "NULL");
  put(idOf("c"), [], "1795365196871000000");
  await writeFile(join(waiters, `${idOf("d")}.sqlite`), "no database at all".padEnd(8_192));

  expect(await sweepEmptyWaiters(folder)).toBe(1);
  const left = (await readdir(waiters)).map((name) => name[0]);
  expect(left.toSorted()).toEqual(["b", "c", "d"]);
});

// The bench's own command, at its smallest: it measures on a real broker, and notices a summary that its raw
// histograms do not give.

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { Unit } from "../../bench/raw.ts";
import { useCleanups } from "../support/cleanups.ts";

const run = promisify(execFile);
const later = useCleanups();
const root = fileURLToPath(new URL("../..", import.meta.url));

function bench(...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  return run(process.execPath, ["bench/main.ts", ...args], { cwd: root }).then(
    ({ stdout }) => ({ code: 0, text: stdout }),
    (failed: { readonly code: number; readonly stdout: string; readonly stderr: string }) => ({
      code: failed.code,
      text: failed.stdout + failed.stderr,
    }),
  );
}

test("a small bench of Hearback has only right answers, and its summary is verified", async () => {
  const results = await mkdtemp(join(tmpdir(), "hearback-bench-test-"));
  later(() => rm(results, { recursive: true, force: true }));
  const name = "compare-1-hearback-memory";
  const measured = await bench("--smoke", "--only", name, "--results", results);
  expect(measured).toMatchObject({ code: 0 });
  expect((await readdir(join(results, "raw"))).toSorted()).toEqual([`${name}.json`]);

  const file = join(results, "raw", `${name}.json`);
  const unit = JSON.parse(await readFile(file, "utf8")) as Unit;
  for (const { fates, ledger } of unit.measurements) {
    expect(Object.keys(fates)).toEqual(["right"]);
    expect(ledger).toEqual({ read: fates["right"], verdicts: { accepted: fates["right"] }, inFlight: 0 });
  }
  expect(await bench("--verify", "--results", results)).toMatchObject({ code: 0 });

  const [first, ...others] = unit.measurements;
  const wrong = { ...unit, measurements: [{ ...first, fates: { right: 1, wrong: 1 } }, ...others] };
  await writeFile(file, JSON.stringify(wrong));
  const verified = await bench("--verify", "--results", results);
  expect(verified.code).toBe(1);
  expect(verified.text).toContain("nothing-wrong");
}, 120_000);

test("a word that names nothing to measure is refused with those that do", async () => {
  const { code, text } = await bench("--smoke", "--only", "nestjsx");
  expect(code).toBe(1);
  expect(text).toContain('received "nestjsx"; must be some of compare');
});

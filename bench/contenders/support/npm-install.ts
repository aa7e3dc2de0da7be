// The packages of a contender: installed in its own folder from its own lock file, once for each state of that
// file, and their versions as the file has them.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>;
}

/** `npm ci`; does nothing where the lock file is the one that was installed. Rejects when npm fails. */
export async function installNpm(folder: string, onLine: (line: string) => void): Promise<void> {
  const digest = createHash("sha256")
    .update(await readFile(lockFile(folder)))
    .digest("hex");
  // In the folder that npm empties before it installs: half an install is never taken for one.
  const note = join(folder, "node_modules", ".installed-for");
  if ((await readFile(note, "utf8").catch(() => "")) === digest) return;
  onLine(`npm ci in ${folder}`);
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder, onLine);
  await writeFile(note, digest);
}

/** Versions by package name. Rejects for a package that the lock file does not have at its top. */
export async function lockedVersions(
  folder: string,
  names: readonly string[],
): Promise<Record<string, string>> {
  const { packages } = JSON.parse(await readFile(lockFile(folder), "utf8")) as LockFile;
  return Object.fromEntries(
    names.map((name) => {
      const version = packages[`node_modules/${name}`]?.version;
      if (version === undefined) throw new Error(`${lockFile(folder)} has no ${name}`);
      return [name, version];
    }),
  );
}

function lockFile(folder: string): string {
  return join(folder, "package-lock.json");
}

async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  onLine: (line: string) => void,
): Promise<void> {
  const child = spawn(command, args, {
    cwd,
    // With the Node that runs us, and not whichever is first in the path.
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", onLine);
  const ended = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, killedBy) => resolve(killedBy ?? code));
  });
  if (ended !== 0) throw new Error(`${command} ${args[0]} in ${cwd} ended with ${ended}`);
}

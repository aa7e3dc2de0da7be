// The packages of a contender: installed in its own folder from its own lock file, once for each state of that
// file, and their versions as the file has them.

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { runCommand } from "./run-command.ts";

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
  await runCommand("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: folder,
    // With the Node that runs us, and not whichever is first in the path.
    env: { PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}` },
    onLine,
  });
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

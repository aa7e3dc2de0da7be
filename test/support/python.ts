// Python as this machine has it, with the packages of an example beside it: fetched once with pip, and kept in
// the folder of the development broker, outside git.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { kafkaFolder } from "../../dev/kafka/index.ts";

const requirements = fileURLToPath(new URL("../../examples/python/requirements.txt", import.meta.url));

/** A sentence about what this machine lacks, or undefined: it has Python 3 and pip. */
export function pythonMissing(): string | undefined {
  const python = spawnSync("python3", ["--version"]);
  if (python.status !== 0) return 'The example in Python needs Python 3; there is no "python3".';
  if (existsSync(packagesFolder())) return undefined;
  const pip = spawnSync("python3", ["-m", "pip", "--version"]);
  return pip.status === 0 ? undefined : "The example in Python needs pip, which this Python 3 lacks.";
}

/** The folder for PYTHONPATH. Throws with pip's own words when they cannot be fetched. */
export function pythonPackages(): string {
  const folder = packagesFolder();
  if (existsSync(folder)) return folder;
  mkdirSync(kafkaFolder, { recursive: true });
  const partial = mkdtempSync(`${folder}.partial-`);
  try {
    // Wheels only: nothing is built here, and nothing of a package runs before it is used.
    const pip = ["-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--target", partial];
    const { status, stderr } = spawnSync("python3", [...pip, "--requirement", requirements], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`pip could not fetch the packages of the example:\n${stderr}`);
    renameSync(partial, folder);
  } catch (cause) {
    rmSync(partial, { recursive: true, force: true });
    // Somebody else was quicker, and theirs are as good.
    if (!existsSync(folder)) throw cause;
  }
  return folder;
}

/** Named after what is in it: the packages, for this Python on this kind of machine. */
function packagesFolder(): string {
  const { stdout: python } = spawnSync("python3", ["-VV"], { encoding: "utf8" });
  const contents = [readFileSync(requirements, "utf8"), python, process.platform, process.arch];
  return join(
    kafkaFolder,
    `python-${createHash("sha256").update(contents.join("\n")).digest("hex").slice(0, 12)}`,
  );
}

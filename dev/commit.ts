// Which commit figures come from.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** In 12 digits, and whether the files at hand are others than it has, documents and results of the bench aside. */
export function commitAtHand(): string {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  const dirty =
    git("status", "--porcelain", "--", ".", ":!docs", ":!bench/results") === ""
      ? ""
      : ", with uncommitted changes";
  return `${git("rev-parse", "--short=12", "HEAD")}${dirty}`;
}

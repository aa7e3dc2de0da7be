// Figures of a long run, written to docs/proof/<topic>.md with the commit they came from.

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export class Proof {
  readonly #topic: string;
  readonly #title: string;
  readonly #rows: (readonly [what: string, figure: string])[] = [];

  constructor(topic: string, title: string) {
    this.#topic = topic;
    this.#title = title;
  }

  add(what: string, figure: string): void {
    this.#rows.push([what, figure]);
    console.log(`${what}: ${figure}`);
  }

  write(): void {
    const git = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
    const dirty =
      git("status", "--porcelain", "--", ".", ":!docs") === "" ? "" : ", with uncommitted changes";
    const machine = `${cpus().length} cores, Node ${process.versions.node}, everything on one machine`;
    mkdirSync(`${root}docs/proof`, { recursive: true });
    writeFileSync(
      `${root}docs/proof/${this.#topic}.md`,
      [
        `# ${this.#title}`,
        "",
        `Written by \`npm run test:long\` at commit ${git("rev-parse", "--short=12", "HEAD")}${dirty}; ${machine}.`,
        "",
        "| what | figure |",
        "| --- | --- |",
        ...this.#rows.map(([what, figure]) => `| ${what} | ${figure} |`),
        "",
      ].join("\n"),
    );
  }
}

/** The value below which `share` of them lie, to a tenth. */
export function percentile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(1);
}

// Figures of a long run, written to docs/proof/<topic>.md with the commit they came from.

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { commitAtHand } from "../../dev/commit.ts";

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
    mkdirSync(`${root}docs/proof`, { recursive: true });
    writeFileSync(
      `${root}docs/proof/${this.#topic}.md`,
      [
        `# ${this.#title}`,
        "",
        writtenBy(),
        "",
        "| what | figure |",
        "| --- | --- |",
        ...this.#rows.map(([what, figure]) => `| ${what} | ${figure} |`),
        "",
      ].join("\n"),
    );
  }
}

/** A sentence: by which command, from which commit, on which machine. */
export function writtenBy(): string {
  const machine = `${cpus().length} cores, Node ${process.versions.node}, everything on one machine`;
  return `Written by \`npm run test:long\` at commit ${commitAtHand()}; ${machine}.`;
}

/** The value below which `share` of them lie, to a tenth. */
export function percentile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(1);
}

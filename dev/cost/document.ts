// The tables of docs/cost.md: which there are, and how they get between its marks. What surrounds them is written by hand.

import type { Design, Measured } from "./model.ts";
import { defaultWorkload } from "./options.ts";
import { itemTable, monthTable, priceTable, spinTable, waitTable } from "./tables.ts";

const designs: readonly Design[] = ["hold", "park", "hearback"];
/** In seconds. */
const waits = [0.1, 2, 10, 30];

/** By the name in the mark. */
export function documentTables(measured: Measured): Readonly<Record<string, string>> {
  return {
    waits: waitTable(defaultWorkload, waits, designs, measured),
    items: itemTable(defaultWorkload, designs, measured),
    month: monthTable(defaultWorkload, designs, measured),
    spins: spinTable(defaultWorkload, [0.1, 0.5, 1, ...waits.slice(1)]),
    prices: priceTable(),
  };
}

/** The document with its tables as they are now. Throws when a table has no place in it, or a place no table. */
export function withTables(document: string, tables: Readonly<Record<string, string>>): string {
  const placed: string[] = [];
  const written = document.replaceAll(/<!-- table: (\w+) -->[^]*?<!-- end -->/g, (_, name: string) => {
    const text = tables[name];
    if (text === undefined) throw new Error(`there is no table ${name}`);
    placed.push(name);
    return `<!-- table: ${name} -->\n\n${text}\n\n<!-- end -->`;
  });
  const missing = Object.keys(tables).filter((name) => !placed.includes(name));
  if (missing.length > 0) throw new Error(`the document has no place for ${missing.join(", ")}`);
  return written;
}

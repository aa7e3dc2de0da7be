// `npm run bench:scale [RESULTS]`: writes the tables of docs/scale.md anew, from the figures of a run.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { withTables } from "../dev/cost/document.ts";
import { readMeasured } from "../dev/cost/measured.ts";
import { scaleTables } from "./sections/scale/document.ts";
import { readUnits } from "./store.ts";

const document = fileURLToPath(new URL("../docs/scale.md", import.meta.url));
const [results = "bench/results"] = process.argv.slice(2);

writeFileSync(
  document,
  withTables(readFileSync(document, "utf8"), scaleTables(readUnits(results), readMeasured())),
);

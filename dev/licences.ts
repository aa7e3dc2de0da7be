// Fails when a dependency, however deep, has a licence that does not go with Apache-2.0. Whether we want
// the dependency at all is argued in docs/dependencies.md.

import { fileURLToPath } from "node:url";
import { init, type ModuleInfos } from "license-checker-rseidelsohn";

const root = fileURLToPath(new URL("..", import.meta.url));

/** May be shipped with ours: permissive, no duty beyond naming their authors. */
const permissive = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "Unlicense",
  "Zlib",
]);
/** Run by developers only and never part of a package or a Worker. */
const developmentOnly = new Set(["CC-BY-3.0", "CC-BY-4.0", "LGPL-3.0-or-later", "MPL-2.0", "Python-2.0"]);

function read(production: boolean): Promise<ModuleInfos> {
  return new Promise((resolve, reject) => {
    init({ start: root, production, excludePrivatePackages: true }, (cause, packages) => {
      if (cause) reject(cause);
      else resolve(packages);
    });
  });
}

/** Every licence of an AND must do, and one of an OR. */
function isAllowed(expression: string, allowed: ReadonlySet<string>): boolean {
  return expression
    .replace(/[()*]/g, "")
    .split(" AND ")
    .every((all) => all.split(" OR ").some((one) => allowed.has(one.trim())));
}

async function forbidden(production: boolean, allowed: ReadonlySet<string>): Promise<string[]> {
  return Object.entries(await read(production))
    .filter(([name]) => !name.startsWith("hearback@"))
    .flatMap(([name, { licenses = "none" }]) => {
      const expression = Array.isArray(licenses) ? licenses.join(" AND ") : licenses;
      return isAllowed(expression, allowed) ? [] : [`${name}: ${expression}`];
    });
}

const problems = [
  ...(await forbidden(true, permissive)),
  ...(await forbidden(false, new Set([...permissive, ...developmentOnly]))),
];
if (problems.length > 0) {
  console.error(`licences that do not go with Apache-2.0:\n${problems.join("\n")}`);
  process.exitCode = 1;
}

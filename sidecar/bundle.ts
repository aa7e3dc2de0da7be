// Makes one module of the Worker with Wrangler, in a process that ends before the sidecar serves: what bundles
// takes more memory than what it makes.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

/**
 * With the config of that file, which may have code in it: schemas could not come as a variable. `folder` is for what
 * Wrangler leaves; `signal` ends it. Rejects with its words when it cannot bundle.
 */
export async function bundleWorker(configFile: string, folder: string, signal: AbortSignal): Promise<string> {
  // Date, flags and bindings are those of the default deployment; only the entry is another one.
  const deploy = ["deploy", "sidecar/worker-entry.ts", "--dry-run", "--outdir", folder];
  const alias = ["--alias", `hearback-sidecar-config:${configFile}`];
  await run(process.execPath, ["node_modules/wrangler/bin/wrangler.js", ...deploy, ...alias], {
    cwd: root,
    signal,
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", X_LOCAL_OBSERVABILITY: "false" },
  });
  return await readFile(join(folder, "worker-entry.js"), "utf8");
}

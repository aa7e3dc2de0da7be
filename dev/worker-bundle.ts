// One module of a Worker for Miniflare, made with Wrangler in a process that ends before the Worker runs: what
// bundles takes more memory than what it makes.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

/** Those of wrangler.toml; a test compares them. */
export const compatibilityDate = "2026-10-23";
export const compatibilityFlags = ["enable_request_signal"];

export interface BundleOptions {
  /** A TypeScript file, from the root. */
  readonly entry: string;
  /** For what Wrangler leaves. */
  readonly folder: string;
  /** Files by the module that they stand for. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** As Wrangler deploys it, bindings and the rest being those of wrangler.toml. Rejects with its words when it cannot bundle. */
export async function bundleWorker({ entry, folder, aliases = {}, signal }: BundleOptions): Promise<string> {
  const deploy = ["deploy", entry, "--dry-run", "--outdir", folder];
  const alias = Object.entries(aliases).flatMap(([module, file]) => ["--alias", `${module}:${file}`]);
  await run(process.execPath, ["node_modules/wrangler/bin/wrangler.js", ...deploy, ...alias], {
    cwd: root,
    ...(signal === undefined ? {} : { signal }),
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", X_LOCAL_OBSERVABILITY: "false" },
  });
  return await readFile(join(folder, `${basename(entry, ".ts")}.js`), "utf8");
}

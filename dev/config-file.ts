// The config that a command of this folder is told to use, by default that of this repository.

import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { GatewayConfig } from "../worker/config.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** `file` is relative to the root of the repository. Rejects with what is wrong: no such file, a rule that is broken. */
export async function loadConfig(file: string): Promise<GatewayConfig> {
  const loaded: unknown = await import(pathToFileURL(resolve(root, file)).href);
  return (loaded as { readonly default: GatewayConfig }).default;
}

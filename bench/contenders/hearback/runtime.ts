// One gateway: workerd itself, with nothing of a development server before or behind it, for there is none on the
// platform either. Miniflare would put Workers of its own before every fetch to the bridge.

import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { freePort } from "../../../dev/ports.ts";
import { startChild, type RunningChild } from "../support/child-process.ts";
import { workerdConfig, workerFile, type GatewaySpec } from "./workerd-config.ts";

export interface RuntimeOptions extends Omit<GatewaySpec, "port" | "tickPort" | "objectsFolder"> {
  /** File of the bundled Worker. */
  readonly script: string;
  /** For its configuration and its objects. */
  readonly folder: string;
  readonly hasInspector: boolean;
  readonly onLine: (line: string) => void;
}

export interface Runtime {
  readonly url: string;
  readonly inspectorUrl: string | undefined;
  readonly child: RunningChild;
  /** What cron does every minute; it does so by itself as well. */
  tick(): Promise<void>;
  stop(): Promise<void>;
}

/** The package says where the binary of this machine is, and has no types. */
const { default: workerd } = createRequire(import.meta.url)("workerd") as { readonly default: string };
const tickEveryMs = 60_000;
const tickTimeoutMs = 5_000;

/** Resolves when it listens. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { name, script, folder, hasInspector, onLine } = options;
  const [port, tickPort, inspectorPort] = [await freePort(), await freePort(), await freePort()];
  const objectsFolder = join(folder, "objects");
  await mkdir(objectsFolder, { recursive: true });
  await copyFile(script, join(folder, workerFile));
  const config = join(folder, "config.capnp");
  await writeFile(config, workerdConfig({ ...options, objectsFolder, port, tickPort }));
  const url = `http://127.0.0.1:${port}`;
  const child = await startChild({
    name,
    command: workerd,
    args: [
      "serve",
      "--experimental",
      ...(hasInspector ? [`--inspector-addr=127.0.0.1:${inspectorPort}`] : []),
      config,
    ],
    ready: () =>
      fetch(`${url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    onLine: (line) => onLine(`${name}: ${line}`),
  });
  const tick = async (): Promise<void> => {
    const signal = AbortSignal.timeout(tickTimeoutMs);
    const response = await fetch(`http://127.0.0.1:${tickPort}`, { signal });
    if (!response.ok) throw new Error(`a tick was answered with ${response.status}`);
  };
  const ticking = setInterval(() => {
    tick().catch((cause: unknown) => onLine(`${name}: a tick failed: ${String(cause)}`));
  }, tickEveryMs);
  return {
    url,
    inspectorUrl: hasInspector ? `http://127.0.0.1:${inspectorPort}` : undefined,
    child,
    tick,
    stop() {
      clearInterval(ticking);
      return child.stop();
    },
  };
}

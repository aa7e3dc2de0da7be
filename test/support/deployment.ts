// One Worker of a gateway in a workerd of its own, whose code can be replaced while others go on: a deploy as the
// platform makes it. The objects of one may be those of another, which is found by its name through Miniflare's
// registry; so callers stay connected to their Worker while the objects that they wait for get other code.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import type { GatewayOptions } from "../../worker/config.ts";
import { credentialsFor } from "./loop.ts";
import type { GatewayBuild } from "./previous-build.ts";

export interface Code {
  readonly build: GatewayBuild;
  /** What the Worker says of itself: two deploys of one build are told apart by it. */
  readonly version: string;
  /** Beside those that every deployment has. */
  readonly variables?: Readonly<Record<string, string>>;
}

export interface DeploymentOptions {
  /** Of the script. */
  readonly name: string;
  readonly code: Code;
  readonly bridgeUrl: string;
  readonly options: GatewayOptions;
  /** Name of the deployment whose waiters it uses; without it, its own, on disk. */
  readonly waitersOf?: string;
  /** The same of the drain. */
  readonly drainOf?: string;
  /** Runs as it was built, and does not say which code it is. */
  readonly isUnmarked?: boolean;
  /** A folder by which deployments find each other. */
  readonly registry: string;
}

export interface WaitersSeen {
  readonly version: string;
  /** Of those that callers came to since this code runs, by ID. */
  readonly waiters: Readonly<
    Record<string, { readonly holds: number; readonly parks: number; readonly held: number }>
  >;
}

export interface Deployment {
  readonly url: string;
  /** What the Worker and its objects have said. */
  readonly lines: readonly string[];
  /** Other code over the same storage. What ran is ended at once: its connections, its objects and their sockets. */
  deploy(code: Code): Promise<void>;
  /** What the cron trigger does every minute. */
  tick(): Promise<void>;
  /** Of its own objects. Wakes nobody. */
  waiters(): Promise<WaitersSeen>;
}

const markedEntry = new URL("../fixtures/loop/marked-entry.ts", import.meta.url);
/** As the marked entry imports it. */
const builtModule = "routed-entry.ts";

/** A folder for `DeploymentOptions`. */
export async function makeRegistry(later: (cleanup: () => unknown) => void): Promise<string> {
  const registry = await mkdtemp(join(tmpdir(), "hearback-registry-"));
  later(() => rm(registry, { recursive: true, force: true }));
  return registry;
}

/** All of it is undone by `later`. */
export async function startDeployment(
  { name, code, bridgeUrl, options, waitersOf, drainOf, isUnmarked = false, registry }: DeploymentOptions,
  later: (cleanup: () => unknown) => void,
): Promise<Deployment> {
  const storage = await mkdtemp(join(tmpdir(), "hearback-objects-"));
  later(() => rm(storage, { recursive: true, force: true }));
  const lines: string[] = [];
  const of = (scriptName: string | undefined) => (scriptName === undefined ? {} : { scriptName });
  const optionsFor = async ({ build, version, variables }: Code) =>
    convertV4MiniflareOptions({
      name,
      modules: [
        ...(isUnmarked
          ? []
          : [{ type: "ESModule" as const, path: "marked-entry.js", contents: await marked() }]),
        { type: "ESModule", path: builtModule, contents: await readFile(build.main, "utf8") },
      ],
      compatibilityDate: "2026-10-23",
      compatibilityFlags: ["enable_request_signal"],
      bindings: {
        ...credentialsFor(bridgeUrl),
        HEARBACK_OPERATOR_ACCESS: "open",
        GATEWAY_OPTIONS: JSON.stringify(options),
        CODE_VERSION: version,
        ...variables,
      },
      durableObjects: {
        WAITER: { className: "Waiter", useSQLite: true, ...of(waitersOf) },
        REPLY_DRAIN: { className: "ReplyDrain", useSQLite: true, ...of(drainOf) },
      },
      host: "127.0.0.1",
      port: 0,
      resourcePersistencePath: storage,
      unsafeDevRegistryPath: registry,
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: ({ message }) => lines.push(message),
    });
  const miniflare = new Miniflare(await optionsFor(code));
  later(() => miniflare.dispose());
  let { origin } = await miniflare.ready;
  return {
    get url() {
      return origin;
    },
    lines,
    async deploy(next) {
      await miniflare.setOptions(await optionsFor(next));
      ({ origin } = await miniflare.ready);
    },
    async tick() {
      await (await miniflare.getWorker()).scheduled({ cron: "* * * * *" });
    },
    waiters: async () => (await (await fetch(`${origin}/_test/waiters`)).json()) as WaitersSeen,
  };
}

let source: Promise<string> | undefined;

function marked(): Promise<string> {
  source ??= readFile(markedEntry, "utf8").then((text) => stripTypeScriptTypes(text));
  return source;
}

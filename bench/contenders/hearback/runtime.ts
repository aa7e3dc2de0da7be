// One gateway in a process of its own: Miniflare, with workerd as its child. `node runtime.ts SPEC`, where the spec is
// JSON; it prints where it is, as JSON, then that it is ready, and then what the Worker says.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4ModuleDefinition } from "miniflare";
import { compatibilityDate, compatibilityFlags } from "../../../dev/worker-bundle.ts";
import { readyLine, type RuntimeAddress, type RuntimeSpec } from "./runtime-spec.ts";

/** As the platform's cron does it. */
const tickEveryMs = 60_000;
const tickTimeoutMs = 5_000;

const { name, script, variables, waiters, folder, inspector } = JSON.parse(
  process.argv[2] ?? "",
) as RuntimeSpec;
const modules: V4ModuleDefinition[] = [
  { type: "ESModule", path: "worker.js", contents: await readFile(script, "utf8") },
];
const worker = {
  modules,
  compatibilityDate,
  compatibilityFlags,
  bindings: { ...variables },
  // Past the Worker that Miniflare puts behind all others, too: each call of a URL would go through it.
  serviceBindings: {
    BRIDGE: { external: { address: new URL(variables["UPSTASH_KAFKA_REST_URL"] ?? "").host, http: {} } },
  },
  stripCfConnectingIp: false,
};
/** Past the Worker that Miniflare puts before all others, for there is none on the platform. */
const unsafeDirectSockets = [{ host: "127.0.0.1", port: 0 }];
const drain = { className: "ReplyDrain", useSQLite: true };

/** Storage is of a script as a whole: a drain, which needs SQLite, is then deployed apart. */
const inMemory = [
  {
    ...worker,
    name,
    unsafeDirectSockets,
    unsafeEphemeralDurableObjects: true,
    durableObjects: {
      WAITER: { className: "WaiterInMemory" },
      REPLY_DRAIN: { ...drain, scriptName: `${name}-drain` },
    },
  },
  {
    ...worker,
    name: `${name}-drain`,
    durableObjects: { WAITER: { className: "WaiterInMemory", scriptName: name }, REPLY_DRAIN: drain },
  },
];
const onDisk = [
  {
    ...worker,
    name,
    unsafeDirectSockets,
    durableObjects: { WAITER: { className: "Waiter", useSQLite: true }, REPLY_DRAIN: drain },
  },
];
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    workers: waiters === "memory" ? inMemory : onDisk,
    host: "127.0.0.1",
    port: 0,
    resourcePersistencePath: folder,
    ...(inspector ? { inspectorPort: 0 } : {}),
    cf: false,
    telemetry: { enabled: false },
    unsafeTriggerHandlers: true,
    log: new Log(LogLevel.WARN),
    handleStructuredLogs: ({ message }) => console.log(message),
  }),
);
const entry = await miniflare.ready;
const address: RuntimeAddress = {
  url: (await miniflare.unsafeGetDirectURL(name)).origin,
  tickUrl: `${entry.origin}/cdn-cgi/local/scheduled`,
  workerd: childrenNamed("workerd"),
  ...(inspector ? { inspectorUrl: (await miniflare.getInspectorURL()).href } : {}),
};
setInterval(() => {
  fetch(address.tickUrl, { signal: AbortSignal.timeout(tickTimeoutMs) }).catch((cause: unknown) => {
    console.error(`a tick failed: ${String(cause)}`);
  });
}, tickEveryMs);
console.log(JSON.stringify(address));
console.log(readyLine);

/** Miniflare does not say which process it has started. */
function childrenNamed(command: string): number[] {
  return readdirSync(`/proc/${process.pid}/task`)
    .map((task) => `/proc/${process.pid}/task/${task}/children`)
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, "utf8").split(" ").filter(Boolean).map(Number))
    .filter((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === command);
}

// What workerd is told of one gateway, in its own configuration language (node_modules/workerd/workerd.capnp). Pure; it
// is started in runtime.ts.

import { compatibilityDate, compatibilityFlags } from "../../../dev/worker-bundle.ts";

export interface GatewaySpec {
  /** No two gateways on one bridge have the same, or they would take each other's IDs for theirs. */
  readonly name: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Where waiters keep what they store. */
  readonly waiters: "memory" | "disk";
  /** Waiters in memory stay there, however long they are idle. */
  readonly keepsWaiters: boolean;
  /** Of everything that is stored on disk. */
  readonly objectsFolder: string;
  readonly port: number;
  /** Asked for anything, the gateway does what it does every minute. */
  readonly tickPort: number;
}

/** Beside the configuration: the bundled gateway. */
export const workerFile = "worker.js";

/** A literal: what JSON escapes, workerd's language escapes in the same way. */
const text = JSON.stringify;

const tick = `export default {
  async fetch(request, { GATEWAY }) {
    await GATEWAY.scheduled({ cron: "* * * * *" });
    return new Response();
  },
};`;

export function workerdConfig(spec: GatewaySpec): string {
  const { name, objectsFolder, port, tickPort } = spec;
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "objects", disk = (path = ${text(objectsFolder)}, writable = true)),
    (name = "internet", network = (allow = ["private", "public"])),
    (name = "tick", worker = (
      compatibilityDate = ${text(compatibilityDate)},
      compatibilityFlags = ["service_binding_extra_handlers"],
      modules = [(name = "tick.js", esModule = ${text(tick)})],
      bindings = [(name = "GATEWAY", service = ${text(name)})],
    )),
    ${scriptsOf(spec)
      .map((script) => serviceOf(spec, script))
      .join("\n    ")}
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:${port}", http = (), service = ${text(name)}),
    (name = "tick", address = "127.0.0.1:${tickPort}", http = (), service = "tick"),
  ],
);
`;
}

interface Class {
  readonly name: string;
  /** Of the script that has it. */
  readonly script: string;
}

interface Script {
  readonly name: string;
  /** Of those whose objects it has. */
  readonly own: readonly Class[];
  readonly storage: "memory" | "disk";
}

function classesOf({ name, waiters }: GatewaySpec): { readonly waiter: Class; readonly drain: Class } {
  return waiters === "memory"
    ? {
        waiter: { name: "WaiterInMemory", script: name },
        drain: { name: "ReplyDrain", script: `${name}-drain` },
      }
    : { waiter: { name: "Waiter", script: name }, drain: { name: "ReplyDrain", script: name } };
}

/** Storage is of a script as a whole: beside waiters in memory a drain, which needs SQLite, is deployed apart. */
function scriptsOf(spec: GatewaySpec): readonly Script[] {
  const { waiter, drain } = classesOf(spec);
  return spec.waiters === "memory"
    ? [
        { name: spec.name, own: [waiter], storage: "memory" },
        { name: drain.script, own: [drain], storage: "disk" },
      ]
    : [{ name: spec.name, own: [waiter, drain], storage: "disk" }];
}

function serviceOf(spec: GatewaySpec, { name, own, storage }: Script): string {
  const { waiter, drain } = classesOf(spec);
  const evicts = storage === "disk" || !spec.keepsWaiters;
  const namespaces = own.map(
    (each) =>
      `(className = ${text(each.name)}, uniqueKey = ${text(`${spec.name}-${each.name}`)}, ` +
      `enableSql = ${storage === "disk"}, preventEviction = ${!evicts})`,
  );
  const objects = Object.entries({ WAITER: waiter, REPLY_DRAIN: drain }).map(
    ([binding, each]) =>
      `(name = ${text(binding)}, durableObjectNamespace = ` +
      `(className = ${text(each.name)}, serviceName = ${text(each.script)}))`,
  );
  const variables = Object.entries(spec.variables).map(
    ([variable, value]) => `(name = ${text(variable)}, text = ${text(value)})`,
  );
  return `(name = ${text(name)}, worker = (
      compatibilityDate = ${text(compatibilityDate)},
      compatibilityFlags = ${text(compatibilityFlags)},
      modules = [(name = ${text(workerFile)}, esModule = embed ${text(workerFile)})],
      durableObjectNamespaces = [${namespaces.join(", ")}],
      durableObjectStorage = ${storage === "disk" ? '(localDisk = "objects")' : "(inMemory = void)"},
      bindings = [${[...variables, ...objects].join(", ")}],
      globalOutbound = "internet",
    )),`;
}

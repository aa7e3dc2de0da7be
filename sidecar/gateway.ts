// The gateway of a sidecar: Miniflare, with workerd as its child. What the Worker does is worker/; here it is
// started, ticked, and watched.

import { randomUUID } from "node:crypto";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { compatibilityDate, compatibilityFlags } from "../dev/worker-bundle.ts";
import type { Service } from "../worker/config.ts";
import { keepSignals } from "./keep-signals.ts";

export interface GatewayOptions {
  /** Of the Worker and its objects: a name of its own, so that no gateway takes an ID of another one for its own. */
  readonly name: string;
  /** The bundled Worker. */
  readonly script: string;
  readonly service: Service;
  /** Last part of the name of its reply topic. */
  readonly topicSuffix: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly host: string;
  readonly port: number;
  /** Folder of the objects' storage. */
  readonly storage: string;
  readonly print: (line: string) => void;
  /** Told each time workerd has ended by itself and runs again. */
  readonly onRestart: () => void;
}

export interface Gateway {
  readonly url: string;
  /** What cron does elsewhere. Rejects when the Worker does not answer within 5 s. */
  tick(): Promise<void>;
  /** At once: requests under way are cut. */
  stop(): Promise<void>;
}

/** A process that hangs answers nothing, not even with an error. */
const tickTimeoutMs = 5_000;

/** Rejects when workerd cannot be started. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { name, script, service, topicSuffix, variables, host, port, storage, print, onRestart } = options;
  const tickPath = `/_hearback/tick?secret=${randomUUID()}`;
  const giveBackSignals = keepSignals();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name,
      modules: [{ type: "ESModule", path: "worker.js", contents: script }],
      compatibilityDate,
      compatibilityFlags,
      bindings: {
        ...variables,
        SIDECAR_SERVICE: service.name,
        SIDECAR_NAME: topicSuffix,
        SIDECAR_TICK: tickPath,
      },
      durableObjects: {
        WAITER: { className: "Waiter", useSQLite: true },
        REPLY_DRAIN: { className: "ReplyDrain", useSQLite: true },
      },
      ratelimits: rateLimitsOf(service),
      host,
      port,
      resourcePersistencePath: storage,
      // Nothing about this machine or its place in the world is asked for or told.
      cf: false,
      telemetry: { enabled: false },
      log: new PrintedLog(print),
      handleStructuredLogs: ({ message }) => print(message),
      unsafeHandleRuntimeRestart: onRestart,
    }),
  );
  giveBackSignals();
  const url = await miniflare.ready;
  return {
    url: url.origin,
    async tick() {
      // Not through Miniflare's own handle on the Worker: its calls stop this whole process while workerd hangs.
      const response = await fetch(`${url.origin}${tickPath}`, {
        signal: AbortSignal.timeout(tickTimeoutMs),
      });
      if (!response.ok) throw new Error(`a tick was answered with ${response.status}`);
    },
    stop: () => miniflare.dispose(),
  };
}

/** The bindings that the Wrangler configuration has elsewhere; Miniflare counts in this process. */
function rateLimitsOf({ rateLimit }: Service) {
  if (rateLimit === undefined) return {};
  const { binding, limit, periodSeconds } = rateLimit;
  return { [binding]: { namespace_id: "1", simple: { limit, period: periodSeconds } } };
}

/** Miniflare's own warnings, among them that workerd is gone. */
class PrintedLog extends Log {
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void) {
    super(LogLevel.WARN);
    this.#print = print;
  }

  override log(message: string): void {
    this.#print(message);
  }
}

// CPU profiles by the protocol of browsers' tools, of Node and of workerd alike. What is in them is samples.ts.

import { setTimeout as sleep } from "node:timers/promises";

/** https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile, as far as it is used. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  /** IDs of nodes. */
  readonly samples: readonly number[];
  /** µs since the sample before. */
  readonly timeDeltas: readonly number[];
}

export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0. */
  readonly lineNumber: number;
}

export interface ProfileInHand {
  /** Ends the profiling, too. */
  end(): Promise<CpuProfile>;
}

interface Target {
  readonly id: string;
  readonly webSocketDebuggerUrl: string;
}

/** Between samples. */
export const intervalUs = 500;
const listenTimeoutMs = 10_000;

/** Of what listens at `host:port`, once it does; those whose ID `wanted` takes. Rejects when there is none after 10 s. */
export async function inspectorTargets(
  host: string,
  wanted: (id: string) => boolean = () => true,
): Promise<readonly Target[]> {
  const giveUpAt = Date.now() + listenTimeoutMs;
  for (;;) {
    const found = await fetch(`http://${host}/json`)
      .then(async (answer) => (await answer.json()) as readonly Target[])
      .catch((): readonly Target[] => []);
    const targets = found.filter(({ id }) => wanted(id));
    if (targets.length > 0) return targets;
    if (Date.now() > giveUpAt) throw new Error(`no inspector answers at ${host}`);
    await sleep(100);
  }
}

/** Resolves when samples are taken. */
export async function beginProfile({ webSocketDebuggerUrl: url }: Target): Promise<ProfileInHand> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const fail = (): void => {
    for (const each of waiting.values()) each.reject(new Error(`the inspector at ${url} is gone`));
  };
  socket.addEventListener("error", fail);
  socket.addEventListener("close", fail);
  socket.addEventListener("message", ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as {
      readonly id?: number;
      readonly result?: unknown;
      readonly error?: { readonly message: string };
    };
    const asked = waiting.get(id ?? 0);
    if (asked === undefined) return;
    waiting.delete(id ?? 0);
    if (error === undefined) asked.resolve(result);
    else asked.reject(new Error(error.message));
  });
  let last = 0;
  const ask = (method: string, params: object = {}): Promise<unknown> => {
    const asked = Promise.withResolvers<unknown>();
    waiting.set(++last, asked);
    socket.send(JSON.stringify({ id: last, method, params }));
    return asked.promise;
  };
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error(`no inspector answers at ${url}`)), {
      once: true,
    });
  });
  await ask("Profiler.enable");
  await ask("Profiler.setSamplingInterval", { interval: intervalUs });
  await ask("Profiler.start");
  return {
    async end() {
      const { profile } = (await ask("Profiler.stop")) as { readonly profile: CpuProfile };
      socket.close();
      return profile;
    },
  };
}

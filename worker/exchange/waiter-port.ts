// Reaches one waiter from a Worker: holds by RPC, parks by WebSocket. I/O only; when to do which is in wait.ts.

import {
  decodeParkedOutcome,
  encodeParked,
  parkHeader,
  type Parked,
  type ParkedOutcome,
  type WaiterRpc,
  type WaitSpec,
} from "../../durable/index.ts";
import type { ParkedWait, WaitPort } from "./wait.ts";

/** As far as it is used here. */
export type WaiterStub = WaiterRpc & Pick<Fetcher, "fetch">;

/** Waits for the reply to a plain request. */
export function plainWait(waiter: () => WaiterStub, spec: WaitSpec): WaitPort {
  return {
    hold: (ms) => waiter().wait(spec, ms),
    park: () => park(waiter(), { kind: "plain", spec }),
  };
}

/** Waits for a durable exchange that is open. */
export function durableWait(waiter: () => WaiterStub, principal: string): WaitPort {
  return {
    hold: (ms) => waiter().attach(principal, ms),
    park: () => park(waiter(), { kind: "durable", principal }),
  };
}

async function park(waiter: WaiterStub, parked: Parked): Promise<ParkedWait> {
  const response = await waiter.fetch("https://waiter/park", {
    headers: { Upgrade: "websocket", [parkHeader]: encodeParked(parked) },
  });
  const socket = response.webSocket;
  if (socket === null) throw new Error(`the waiter parks nobody: ${response.status}`);
  socket.binaryType = "arraybuffer";
  const ended = new Promise<ParkedOutcome | undefined>((resolve) => {
    socket.addEventListener("message", ({ data }) => {
      resolve(data instanceof ArrayBuffer ? decodeParkedOutcome(data) : undefined);
    });
    socket.addEventListener("close", () => resolve(undefined));
    socket.addEventListener("error", () => resolve(undefined));
  });
  socket.accept();
  return {
    ended,
    close() {
      try {
        socket.close(1_000, "left");
      } catch {
        // It is closed already.
      }
    },
  };
}

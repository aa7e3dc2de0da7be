// Asks a contender over HTTP, with as many connections as there are questions under way.

import { Agent } from "undici";
import type { Ask } from "../contenders/contender.ts";

export interface HttpCallerOptions {
  /** Of the questions; the origin of the address is the contender's. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Addresses of this machine to ask from, in turn: each has its own ports, some 28,000 of them. */
  readonly localAddresses?: readonly string[];
}

export interface HttpCaller {
  readonly ask: Ask;
  /** Cuts what is under way. */
  close(): Promise<void>;
}

/** Longer than any contender's timeout: who does not answer at all is found out. */
const patienceMs = 60_000;

export function httpCaller(
  origin: string,
  { path = "/predict", headers = {}, localAddresses = ["127.0.0.1"] }: HttpCallerOptions = {},
): HttpCaller {
  const agents = localAddresses.map(
    (localAddress) =>
      new Agent({
        localAddress,
        connections: null,
        pipelining: 1,
        headersTimeout: patienceMs,
        bodyTimeout: patienceMs,
      }),
  );
  const sent = { "content-type": "application/json", ...headers };
  let turn = 0;
  return {
    async ask(body) {
      const agent = agents[turn++ % agents.length];
      if (agent === undefined) throw new Error("there is no address to ask from");
      const answer = await agent.request({ origin, path, method: "POST", headers: sent, body });
      return { status: answer.statusCode, body: await answer.body.text() };
    },
    async close() {
      await Promise.all(agents.map((agent) => agent.destroy()));
    },
  };
}

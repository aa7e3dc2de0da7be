// Asks a contender over HTTP, with as many connections as there are questions under way.

import type { IncomingHttpHeaders } from "node:http";
import { Agent } from "undici";
import type { Answer, Ask } from "../contenders/contender.ts";

export interface HttpCallerOptions {
  /** Of the questions; the origin of the address is the contender's. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Addresses of this machine to ask from, in turn: each has its own ports, some 28,000 of them. */
  readonly localAddresses?: readonly string[];
}

/** What `ask` says of a question by itself, where it is another one. */
export interface HttpQuestion {
  /** @default "POST" */
  readonly method?: "GET" | "POST";
  /** @default that of the caller */
  readonly path?: string;
  /** Beside those of the caller. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface HttpAnswer extends Answer {
  readonly headers: IncomingHttpHeaders;
}

export interface HttpCaller {
  readonly ask: Ask;
  /** As `ask`, for who needs more of HTTP. */
  send(question: HttpQuestion): Promise<HttpAnswer>;
  /** Cuts what is under way. */
  close(): Promise<void>;
}

/** Longer than any contender's timeout: who does not answer at all is found out. */
const patienceMs = 60_000;

export function httpCaller(
  origin: string,
  {
    path: usualPath = "/predict",
    headers: usual = {},
    localAddresses = ["127.0.0.1"],
  }: HttpCallerOptions = {},
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
  const sent = { "content-type": "application/json", ...usual };
  let turn = 0;

  async function send({
    method = "POST",
    path = usualPath,
    headers,
    body,
  }: HttpQuestion): Promise<HttpAnswer> {
    const agent = agents[turn++ % agents.length];
    if (agent === undefined) throw new Error("there is no address to ask from");
    const answer = await agent.request({
      origin,
      path,
      method,
      headers: headers === undefined ? sent : { ...sent, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
  }

  return {
    ask: (body) => send({ body }),
    send,
    async close() {
      await Promise.all(agents.map((agent) => agent.destroy()));
    },
  };
}

// A receiver of callbacks on a port of its own, as its owner would write it: it checks each signature with the library
// of the specification, and knows a delivery again by its ID. What it answers is the test's choice.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

export interface Received {
  readonly id: string;
  /** Of the attempt, in seconds. */
  readonly timestamp: number;
  /** Epoch ms, by the receiver's clock. */
  readonly at: number;
  readonly body: {
    readonly type: string;
    readonly data: Readonly<Record<string, unknown>>;
  };
}

export interface WebhookReceiver {
  readonly url: string;
  /** Signed as they should be, in order. */
  readonly received: readonly Received[];
  /** Of all requests, also of those that no signature was found good for. */
  readonly paths: readonly string[];
}

/** What it does with a delivery. */
export type Behaviour = (response: ServerResponse) => unknown;

export const accept: Behaviour = (response) => response.writeHead(204).end();
export const fail: Behaviour = (response) => response.writeHead(500).end("no");
export const hang: Behaviour = () => undefined;
export const breakOff: Behaviour = (response) => response.destroy();
export const redirect: Behaviour = (response) => response.writeHead(307, { location: "/elsewhere" }).end();

/** `behaviours` are those of the first deliveries; then it accepts. Undone by `later`. */
export async function startWebhookReceiver(
  secret: string,
  behaviours: readonly Behaviour[],
  later: (cleanup: () => unknown) => void,
): Promise<WebhookReceiver> {
  const received: Received[] = [];
  const paths: string[] = [];
  const webhook = new Webhook(secret);
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    paths.push(request.url ?? "");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = request.headers as Record<string, string>;
    let body: unknown;
    try {
      body = webhook.verify(Buffer.concat(chunks), headers);
    } catch {
      response.writeHead(401).end();
      return;
    }
    received.push({
      id: headers["webhook-id"] ?? "",
      timestamp: Number(headers["webhook-timestamp"]),
      at: Date.now(),
      body: body as Received["body"],
    });
    (behaviours[received.length - 1] ?? accept)(response);
  };
  const server = createServer((request, response) => void take(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  later(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received, paths };
}

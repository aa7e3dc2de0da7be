// The HTTP server: sockets, credentials, the life of each request, an orderly end. What a path means is in
// routes.ts. Built on node:http alone, since the API has GET with a body and JSON under any content type.

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fullAccess } from "./access.ts";
import { createCredentialCheck } from "./credentials.ts";
import { problemAnswer, unavailable, type Answer } from "./answer.ts";
import { readBody } from "./json-body.ts";
import { createConsumers } from "../consumers.ts";
import type { Groups } from "../groups.ts";
import { LogUnavailable, type Log } from "../log.ts";
import type { RouteLimits } from "./call.ts";
import { findRoute } from "./routes.ts";

export interface BridgeOptions extends Partial<RouteLimits> {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** Served, but not owned: whoever made it closes it, after the bridge. */
  readonly log: Log;
  /** Closed, too, by whoever made it: after the bridge and before the log. */
  readonly groups: Groups;
  /** Consumer instances at a time. Default 1,000. */
  readonly maxInstances?: number;
  /** Default 16 MiB. */
  readonly maxBodyBytes?: number;
  /** Told of what went wrong with no client to blame. Default: one line on standard error. */
  readonly onError?: (cause: unknown) => void;
}

export interface Bridge {
  readonly port: number;
  readonly url: string;
  /**
   * Takes no new connections, ends long polls with an empty answer, finishes what is in hand, and resolves
   * when the last connection is gone: after at most 5 s, when the rest is cut. A second call waits for the same end.
   */
  close(): Promise<void>;
}

// Longer than the idle time of common HTTP clients and proxies: the side that closes a kept connection first
// should be the client, or a request may meet a closing socket.
const keepAliveMs = 75_000;
const closeGraceMs = 5_000;

/** Rejects when the address cannot be listened on. */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { host, log, groups } = options;
  const limits: RouteLimits = {
    maxFetchMs: options.maxFetchMs ?? 30_000,
    maxFetchBytes: options.maxFetchBytes ?? 4 * 1024 * 1024,
  };
  const maxBodyBytes = options.maxBodyBytes ?? 16 * 1024 * 1024;
  const onError = options.onError ?? reportError;
  const { maxInstances } = options;
  const consumers = createConsumers({
    log,
    groups,
    maxBytes: limits.maxFetchBytes,
    onError,
    ...(maxInstances === undefined ? {} : { maxInstances }),
  });
  const isAllowed = createCredentialCheck(options);
  const inHand = new Set<AbortController>();
  let unanswered = 0;
  let closing: Promise<void> | undefined;

  const server = createServer({ keepAliveTimeout: keepAliveMs, noDelay: true }, (request, response) => {
    unanswered++;
    response.on("close", () => {
      unanswered--;
      closeUnused();
    });
    serve(request, response).catch((cause: unknown) => {
      if (cause instanceof LogUnavailable) {
        send(response, problemAnswer(unavailable(cause)));
        return;
      }
      // A client that leaves in the middle of its own body is no failure of ours.
      if (!request.destroyed || request.complete) onError(cause);
      send(response, problemAnswer({ status: 500, problem: "the bridge failed" }));
    });
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path, search] = splitTarget(request.url ?? "");
    if (path === "/healthz") {
      send(response, { status: 200, body: { status: "ok" } });
      return;
    }
    if (!isAllowed(request.headers.authorization)) {
      const headers = { "www-authenticate": 'Basic realm="kafka"' };
      send(response, problemAnswer({ status: 401, problem: "wrong user name or password", headers }));
      return;
    }
    const found = findRoute(path);
    if ("problem" in found) {
      send(response, problemAnswer(found));
      return;
    }
    const { route, form, segments } = found;
    if (!route.methods.includes(request.method ?? "")) {
      const headers = { allow: route.methods.join(", ") };
      send(response, problemAnswer({ status: 405, problem: "the path does not take this method", headers }));
      return;
    }
    const body = await readBody(request, maxBodyBytes);
    if ("problem" in body) {
      send(response, problemAnswer(body));
      return;
    }
    const leaving = new AbortController();
    const { signal } = leaving;
    inHand.add(leaving);
    if (closing !== undefined) leaving.abort();
    // Comes after every answer too; then there is nothing left to abort.
    response.on("close", () => leaving.abort());
    try {
      const query = new URLSearchParams(search);
      send(
        response,
        await route.answer({
          log,
          groups,
          consumers,
          limits,
          access: fullAccess,
          form,
          segments,
          query,
          rawHeaders: request.rawHeaders,
          headers: request.headers,
          body: body.bytes,
          signal,
        }),
      );
    } finally {
      inHand.delete(leaving);
    }
  }

  function send(response: ServerResponse, { status, body, headers }: Answer): void {
    // The client may have left, or an answer may have failed halfway.
    if (response.headersSent || response.destroyed) return;
    const text = JSON.stringify(body);
    if (closing !== undefined) response.setHeader("connection", "close");
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
      ...headers,
    });
    response.end(text);
  }

  /** Once nothing is in hand, what is still open is idle, or has never sent a request and may never do so. */
  function closeUnused(): void {
    if (closing !== undefined && unanswered === 0) server.closeAllConnections();
  }

  function close(): Promise<void> {
    closing ??= new Promise<void>((resolve) => {
      const cut = setTimeout(() => server.closeAllConnections(), closeGraceMs);
      server.close(() => {
        clearTimeout(cut);
        resolve();
      });
      for (const each of inHand) each.abort();
    }).then(() => consumers.close());
    closeUnused();
    return closing;
  }

  const port = await listen(server, host, options.port);
  const urlHost = host.includes(":") ? `[${host}]` : host;
  return { port, url: `http://${urlHost}:${port}`, close };
}

function splitTarget(target: string): readonly [path: string, search: string | undefined] {
  const at = target.indexOf("?");
  return at < 0 ? [target, undefined] : [target.slice(0, at), target.slice(at + 1)];
}

function listen(server: ReturnType<typeof createServer>, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      // A TCP server's address is an object; a string would be the path of a pipe.
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function reportError(cause: unknown): void {
  console.error(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
}

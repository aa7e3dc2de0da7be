// The HTTP server: sockets, the life of each request from its headers to the end of its answer, an orderly end.
// What a path means is in routes.ts and operator.ts, who may come in credentials.ts. Built on node:http alone,
// since the API has GET with a body and JSON under any content type.

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createConsumers, type Groups, LogUnavailable, type Log } from "../../kafka/log/index.ts";
import { fieldsOfError, reportEvent } from "../events.ts";
import { problemAnswer, unavailable, type Answer, type Problem, type TextAnswer } from "./answer.ts";
import { admitBody, noRoom, readBody } from "./body.ts";
import { createByteBudget, type ByteHold } from "./byte-budget.ts";
import type { Route } from "./call.ts";
import {
  createCredentials,
  parseBasic,
  type Caller,
  type Credentials,
  type UserPassword,
} from "./credentials.ts";
import { defaultLimits, type BridgeLimits } from "./limits.ts";
import { createMetrics, type FormName, type BridgeMetrics } from "./metrics.ts";
import { answerMetrics, answerProbe, isBearerOf } from "./operator.ts";
import { findRoute } from "./routes.ts";
import { hearbackForm } from "./wire-hearback.ts";
import { plainForm } from "./wire-plain.ts";
import type { WireForm } from "./wire-form.ts";

export interface BridgeOptions extends Partial<BridgeLimits> {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Who may come in. Absent: `username` and `password`, with full access. */
  readonly credentials?: Credentials;
  readonly username?: string;
  readonly password?: string;
  /** Lets its bearer read /metrics, and nothing else. Absent: only a caller with full access reads it. */
  readonly metricsToken?: string;
  /** Shown under /metrics. Absent: made here, without figures of the process. */
  readonly metrics?: BridgeMetrics;
  /** Served, but not owned: whoever made it closes it, after the bridge. */
  readonly log: Log;
  /** Closed, too, by whoever made it: after the bridge and before the log. */
  readonly groups: Groups;
  /** Consumer instances at a time. Default 1,000. */
  readonly maxInstances?: number;
  /** Told of what went wrong with no client to blame. Default: one line on standard error. */
  readonly onError?: (cause: unknown) => void;
  /** Told of every answer as it is sent. Default: nobody. */
  readonly onAnswer?: (answered: Answered) => void;
}

export interface Answered {
  readonly method: string;
  /** As it came, without the query: that may hold a password. */
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
  /** Absent when no known caller asked. */
  readonly user?: string;
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

/** One request, and what becomes known of it on the way to its answer. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly hold: ByteHold;
  /** By performance.now(). */
  readonly startedAt: number;
  /** A name out of few, for figures. */
  route: string;
  user?: string;
  /** The client sends its body only when it is told to go on. */
  waitsForContinue: boolean;
}

// Longer than the idle time of common HTTP clients and proxies: the side that closes a kept connection first
// should be the client, or a request may meet a closing socket.
const keepAliveMs = 75_000;
const closeGraceMs = 5_000;

/** Routes that hold their caller until there is something to read. */
const pollRoutes: ReadonlySet<string> = new Set(["fetch", "consume"]);

/** Rejects when the address cannot be listened on. */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const { host, log, groups, onAnswer, maxInstances } = options;
  const limits: BridgeLimits = { ...defaultLimits, ...options };
  const onError = options.onError ?? ((cause) => reportEvent("request failed", fieldsOfError(cause)));
  const credentials = options.credentials ?? createCredentials({ full: fullCredential(options) });
  const metrics = options.metrics ?? createMetrics();
  const budget = createByteBudget(limits.maxBytesInHand);
  const consumers = createConsumers({
    log,
    groups,
    maxBytes: limits.maxFetchBytes,
    onError,
    ...(maxInstances === undefined ? {} : { maxInstances }),
  });
  const counted = new Map<WireForm, { readonly form: WireForm; readonly log: Log }>(
    [plainForm, hearbackForm].map((form) => {
      const name: FormName = form === hearbackForm ? "hearback" : "plain";
      return [form, { form: metrics.countForm(form, name), log: metrics.countLog(log, name) }];
    }),
  );
  const inHand = new Set<AbortController>();
  let connections = 0;
  let unanswered = 0;
  let waiting = 0;
  let closing: Promise<void> | undefined;

  metrics.gauge("hearback_bridge_connections", "Open connections.", () => connections);
  metrics.gauge("hearback_bridge_waiting_polls", "Long polls in hand.", () => waiting);
  metrics.gauge("hearback_bridge_bytes_in_hand", "Bodies and answers held.", () => budget.used);

  const server = createServer(
    {
      keepAliveTimeout: keepAliveMs,
      noDelay: true,
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.checkIntervalMs,
    },
    (request, response) => begin(request, response, false),
  );
  server.maxConnections = limits.maxConnections;
  server.on("checkContinue", (request, response) => begin(request, response, true));
  server.on("drop", () => metrics.overloaded("connections"));
  server.on("connection", (socket) => {
    connections++;
    socket.on("close", () => connections--);
  });

  function begin(request: IncomingMessage, response: ServerResponse, waitsForContinue: boolean): void {
    unanswered++;
    const [path, search] = splitTarget(request.url ?? "");
    const exchange: Exchange = {
      request,
      response,
      path,
      query: new URLSearchParams(search),
      hold: budget.hold(),
      startedAt: performance.now(),
      route: "none",
      waitsForContinue,
    };
    const gone = new Promise<void>((resolve) => {
      response.on("close", () => {
        unanswered--;
        closeUnused();
        resolve();
      });
    });
    // A client that leaves does not free what its request still holds here.
    void Promise.all([serve(exchange), gone]).then(() => exchange.hold.release());
  }

  /** Never rejects. */
  async function serve(exchange: Exchange): Promise<void> {
    try {
      send(exchange, await answerTo(exchange));
    } catch (cause) {
      send(exchange, problemAnswer(problemOfFailure(cause, exchange.request)));
    }
  }

  function problemOfFailure(cause: unknown, request: IncomingMessage): Problem {
    if (cause instanceof LogUnavailable) return unavailable(cause);
    // A client that leaves in the middle of its own body is no failure of ours.
    if (!request.destroyed || request.complete) onError(cause);
    return { status: 500, problem: "the bridge failed" };
  }

  async function answerTo(exchange: Exchange): Promise<Answer | TextAnswer> {
    const { request, path } = exchange;
    const probed = answerProbe(path, log, closing !== undefined);
    if (probed !== undefined) {
      exchange.route = path.slice(1);
      return probed;
    }
    if (path === "/metrics") exchange.route = "metrics";
    if (path === "/metrics" && isBearerOf(request.headers.authorization, options.metricsToken)) {
      return answerMetrics(metrics);
    }
    const caller = await identify(exchange);
    if ("problem" in caller) return problemAnswer(caller);
    exchange.user = caller.user;
    if (path === "/metrics") {
      if (caller.isUnlimited) return answerMetrics(metrics);
      return problemAnswer({ status: 403, problem: "metrics are for callers with full access" });
    }
    const found = findRoute(path);
    if ("problem" in found) return problemAnswer(found);
    const { route, form, segments } = found;
    exchange.route = segments[0] ?? "none";
    if (!route.methods.includes(request.method ?? "")) {
      const headers = { allow: route.methods.join(", ") };
      return problemAnswer({ status: 405, problem: "the path does not take this method", headers });
    }
    return pollRoutes.has(exchange.route)
      ? answerPoll(() => answerRoute(exchange, caller, route, form, segments))
      : answerRoute(exchange, caller, route, form, segments);
  }

  async function identify({ request, path, query }: Exchange): Promise<Caller | Problem> {
    const { authorization } = request.headers;
    const guess = authorization === undefined ? credentialOfQuery(path, query) : parseBasic(authorization);
    const verdict = guess === undefined ? "missing" : await credentials.check(guess);
    if (typeof verdict !== "string") return verdict;
    metrics.credentialFailed(verdict);
    if (verdict === "busy") {
      const headers = { "retry-after": "1" };
      return { status: 503, problem: "too many credentials are being checked", headers };
    }
    const headers = { "www-authenticate": 'Basic realm="kafka"' };
    return { status: 401, problem: "wrong user name or password", headers };
  }

  async function answerPoll(answer: () => Promise<Answer>): Promise<Answer> {
    if (waiting >= limits.maxWaiting) {
      metrics.overloaded("waiting");
      const headers = { "retry-after": "1" };
      return problemAnswer({ status: 503, problem: "too many long polls are waiting", headers });
    }
    waiting++;
    try {
      return await answer();
    } finally {
      waiting--;
    }
  }

  async function answerRoute(
    exchange: Exchange,
    caller: Caller,
    route: Route,
    form: WireForm,
    segments: readonly string[],
  ): Promise<Answer> {
    const { request, response, hold } = exchange;
    const refused = admitBody(request, limits.maxBodyBytes, hold);
    if (refused !== undefined) return refuseBody(refused);
    if (exchange.waitsForContinue) {
      exchange.waitsForContinue = false;
      response.writeContinue();
    }
    const body = await readBody(request, limits.maxBodyBytes, hold);
    if ("problem" in body) return refuseBody(body);
    const leaving = new AbortController();
    inHand.add(leaving);
    if (closing !== undefined) leaving.abort();
    const leave = (): void => leaving.abort();
    response.on("close", leave);
    try {
      return await route.answer({
        groups,
        consumers,
        limits,
        access: caller.access,
        segments,
        query: exchange.query,
        rawHeaders: request.rawHeaders,
        headers: request.headers,
        body: body.bytes,
        signal: leaving.signal,
        ...(counted.get(form) ?? { form, log }),
      });
    } finally {
      inHand.delete(leaving);
      // Comes after every answer too: an abort that nobody hears of costs an error with its stack.
      response.off("close", leave);
    }
  }

  function refuseBody(problem: Problem): Answer {
    if (problem === noRoom) metrics.overloaded("bytes");
    return problemAnswer(problem);
  }

  function send(exchange: Exchange, answer: Answer | TextAnswer): void {
    const { request, response, hold, route } = exchange;
    // The client may have left, or an answer may have failed halfway.
    if (response.headersSent || response.destroyed) return;
    const bytes = Buffer.from("text" in answer ? answer.text : JSON.stringify(answer.body));
    // Only what can be asked again without loss is refused for want of room: a fetch changes nothing.
    if (route === "fetch" && answer.status === 200 && !hold.take(bytes.length)) {
      send(exchange, refuseBody(noRoom));
      return;
    }
    if (route !== "fetch" || answer.status !== 200) hold.takeAnyway(bytes.length);
    // Whoever was not told to go on may or may not send its body now; nobody can tell where the next request begins.
    if (closing !== undefined || exchange.waitsForContinue) response.setHeader("connection", "close");
    response.writeHead(answer.status, {
      "content-type": "text" in answer ? answer.contentType : "application/json",
      "content-length": bytes.length,
      ...("text" in answer ? {} : answer.headers),
    });
    // Counts from the last progress of the answer, and no longer once it is out.
    response.setTimeout(limits.stuckReaderMs, () => request.socket.destroy());
    response.end(bytes);
    report(exchange, answer.status);
  }

  function report({ request, path, route, startedAt, user }: Exchange, status: number): void {
    const durationMs = performance.now() - startedAt;
    metrics.answered({ route, status, durationMs, isPoll: pollRoutes.has(route) });
    const method = request.method ?? "";
    onAnswer?.({ method, path, status, durationMs, ...(user === undefined ? {} : { user }) });
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

function fullCredential({ username, password }: BridgeOptions): UserPassword {
  if (username === undefined || password === undefined) {
    throw new TypeError("a bridge needs credentials, or a username and a password");
  }
  return { user: username, password };
}

/** Where senders cannot set headers: nowhere else, since queries end up in the logs of others. */
function credentialOfQuery(path: string, query: URLSearchParams): UserPassword | undefined {
  const user = query.get("user");
  const password = query.get("pass");
  return /^\/webhook\/?$/.test(path) && user !== null && password !== null ? { user, password } : undefined;
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

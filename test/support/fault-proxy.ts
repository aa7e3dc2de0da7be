// A proxy between two parts of the loop that does to their connections what networks, and what stands in for a peer,
// do: delay, fall silent, break off, say something else. Ours, since `toxiproxy-node-client`, the one on npm that is
// kept, steers a Go program that somebody has to fetch by hand, and knows bytes only. What a test makes of it is its
// own business.

import { connect, createServer, type AddressInfo, type Socket } from "node:net";

interface OfSomeRequests {
  /** Only of requests whose path matches, on a proxy that reads HTTP. Default: all. */
  readonly on?: RegExp;
}

export type Fault = OfSomeRequests &
  (
    | {
        readonly kind: "slow";
        /** Each way, in ms. */
        readonly latencyMs: number;
        /** As much more at most, by chance. */
        readonly jitterMs?: number;
        /** Each way. */
        readonly bytesPerSecond?: number;
      }
    /**
     * Nothing gets through, and nobody is told: neither FIN nor RST. A connection that was open or used meanwhile stays
     * silent for good, as one that a firewall has forgotten. `target`: only what the target says is lost.
     */
    | { readonly kind: "silent"; readonly side: Side }
    /** Connections are reset, old and new ones. */
    | { readonly kind: "refuse" }
    /** A response breaks off after so many bytes; on a proxy of bytes, what the target says from now on. */
    | { readonly kind: "cut"; readonly afterBytes: number; readonly by: "RST" | "FIN" }
    /** In place of the target's response, whether or not the target has got the request. Reads HTTP. */
    | { readonly kind: "answer"; readonly bytes: Iterable<Uint8Array>; readonly isForwarded: boolean }
    /** The target gets each request once more, on another connection: a load balancer that tries again. Reads HTTP. */
    | { readonly kind: "twice" }
  );

export interface FaultProxy {
  readonly port: number;
  readonly url: string;
  /** From now on, in place of the fault before. */
  inject(fault: Fault): void;
  heal(): void;
  /** Connections of clients that are open now. */
  readonly open: number;
  /** Bytes that clients were sent. */
  readonly sent: number;
  /** What a fault met since it was injected: requests, or connections. */
  readonly met: number;
  close(): Promise<void>;
}

export interface FaultProxyOptions {
  /** Port on this machine. */
  readonly target: number;
  /** Default: any free one. */
  readonly port?: number;
  /** `http`: requests are passed on when they are there as a whole. */
  readonly reads: "http" | "bytes";
}

type Side = "both" | "target";

interface State {
  fault: Fault | undefined;
  sent: number;
  met: number;
  /** Silences a connection; one for each that is open. */
  readonly silence: Set<(side: Side) => void>;
}

export function startFaultProxy({ target, port = 0, reads }: FaultProxyOptions): Promise<FaultProxy> {
  const state: State = { fault: undefined, sent: 0, met: 0, silence: new Set() };
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.on("close", () => clients.delete(client));
    client.on("error", () => undefined);
    if (state.fault?.kind === "refuse") refuse(client);
    else pass(client, target, reads, state);
  });
  function refuse(client: Socket): void {
    state.met++;
    client.resetAndDestroy();
  }
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const own = (server.address() as AddressInfo).port;
      resolve({
        port: own,
        url: `http://127.0.0.1:${own}`,
        inject(fault) {
          state.fault = fault;
          state.met = 0;
          if (fault.kind === "refuse") for (const client of clients) refuse(client);
          if (fault.kind !== "silent" || fault.on !== undefined) return;
          for (const silence of state.silence) silence(fault.side);
        },
        heal() {
          state.fault = undefined;
        },
        get open() {
          return clients.size;
        },
        get sent() {
          return state.sent;
        },
        get met() {
          return state.met;
        },
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            for (const client of clients) client.destroy();
          }),
      });
    });
  });
}

/** One connection of a client. */
function pass(client: Socket, target: number, reads: FaultProxyOptions["reads"], state: State): void {
  const upstream = open(target);
  client.setNoDelay(true);
  upstream.on("close", () => client.destroy());
  client.on("close", () => upstream.destroy());

  /** Of the request whose response is under way; on a proxy of bytes, of all. */
  let path: string | undefined;
  let request = Buffer.alloc(0);
  let answered = 0;
  /** The fault that counts those bytes, or that has replaced the response. */
  let met: Fault | undefined;
  /** Forgotten by the network. */
  let isDead: "no" | Side = "no";
  const silence = (side: Side): void => {
    isDead = side;
  };
  state.silence.add(silence);
  client.on("close", () => state.silence.delete(silence));
  const toTarget = inOrder(upstream);
  const toClient = inOrder(client, (bytes) => (state.sent += bytes));

  function current(): Fault | undefined {
    const { fault } = state;
    return fault?.on === undefined || fault.on.test(path ?? "") ? fault : undefined;
  }

  function meet(fault: Fault): void {
    if (fault === met) return;
    met = fault;
    answered = 0;
    state.met++;
  }

  function send(bytes: Buffer): void {
    const fault = current();
    if (fault !== undefined) meet(fault);
    if (fault?.kind === "silent") isDead = fault.side;
    if (isDead === "both") return;
    if (fault?.kind === "answer" && !fault.isForwarded) replace(fault.bytes);
    else toTarget(bytes, fault);
    if (fault?.kind !== "twice") return;
    const again = open(target);
    again.write(bytes);
    again.on("data", () => again.destroy());
  }

  function replace(bytes: Iterable<Uint8Array>): void {
    const source = bytes[Symbol.iterator]();
    const more = (): void => {
      for (;;) {
        const { value, done } = source.next();
        if (done === true || client.destroyed) return;
        state.sent += value.byteLength;
        if (client.write(value)) continue;
        client.once("drain", more);
        return;
      }
    };
    more();
  }

  client.on("data", (chunk: Buffer) => {
    if (reads === "bytes") {
      send(chunk);
      return;
    }
    request = Buffer.concat([request, chunk]);
    for (;;) {
      const whole = wholeRequest(request);
      if (whole === undefined) return;
      request = request.subarray(whole.bytes.length);
      path = whole.path;
      met = undefined;
      send(whole.bytes);
    }
  });

  upstream.on("data", (chunk: Buffer) => {
    const fault = current();
    if (fault !== undefined) meet(fault);
    if (fault?.kind === "silent") isDead = fault.side;
    if (isDead !== "no") return;
    if (fault?.kind === "answer") {
      if (answered === 0) replace(fault.bytes);
      answered += chunk.length;
      return;
    }
    if (fault?.kind !== "cut") {
      toClient(chunk, fault);
      return;
    }
    const rest = fault.afterBytes - answered;
    answered += chunk.length;
    if (rest > 0) toClient(chunk.subarray(0, rest), undefined);
    if (chunk.length < rest) return;
    upstream.removeAllListeners("data");
    // What was let through must be there before the end is.
    client.write("", () => (fault.by === "RST" ? client.resetAndDestroy() : client.end()));
  });
}

function open(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  socket.on("error", () => undefined);
  return socket;
}

/** Slices of a slow connection, in ms: small enough that a deadline falls between two of them. */
const sliceMs = 50;

/** Writes what it is given, as late as a slow connection would, and never out of order. */
function inOrder(to: Socket, count: (bytes: number) => void = () => undefined) {
  let queued = 0;
  let last = Promise.resolve();
  const write = (bytes: Buffer): void => {
    if (to.destroyed) return;
    count(bytes.length);
    to.write(bytes);
  };
  const writeAfter = (ms: number, bytes: Buffer): void => {
    queued++;
    const due = performance.now() + ms;
    last = last.then(async () => {
      const left = due - performance.now();
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
      queued--;
      write(bytes);
    });
  };
  return (bytes: Buffer, fault: Fault | undefined): void => {
    if (fault?.kind !== "slow") {
      if (queued === 0) write(bytes);
      else writeAfter(0, bytes);
      return;
    }
    const { latencyMs, jitterMs = 0, bytesPerSecond = Infinity } = fault;
    const arrives = latencyMs + jitterMs * Math.random();
    const slice = Math.max(1, Math.floor((bytesPerSecond * sliceMs) / 1_000));
    for (let at = 0; at < bytes.length; at += slice) {
      const part = bytes.subarray(at, at + slice);
      writeAfter(arrives + ((at + part.length) / bytesPerSecond) * 1_000, part);
    }
  };
}

/** The first request of `bytes`; undefined while some of it is missing. Its length is said by `Content-Length`. */
function wholeRequest(bytes: Buffer): { readonly bytes: Buffer; readonly path: string } | undefined {
  const endOfHead = bytes.indexOf("\r\n\r\n");
  if (endOfHead === -1) return undefined;
  const head = bytes.subarray(0, endOfHead).toString("latin1");
  if (/^transfer-encoding:/im.test(head)) throw new Error("the fault proxy reads no chunked requests");
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  const end = endOfHead + 4 + length;
  if (bytes.length < end) return undefined;
  return { bytes: bytes.subarray(0, end), path: head.split(" ")[1] ?? "" };
}

// A client that sends its request and is killed while it waits. A runtime sees two kinds: one whose connection is
// closed, which locally it does not notice, and one whose connection is reset, which it does.

import { spawn, spawnSync } from "node:child_process";
import { connect } from "node:net";

export interface WaitingClient {
  /** Resolves when nothing is left of it. */
  kill(): Promise<void>;
}

/** POSTs `body`. */
export type Begin = (url: string, body: string, headers: Readonly<Record<string, string>>) => WaitingClient;

/** curl, killed with -9: the system closes its connection. */
const curl: Begin = (url, body, headers) => {
  const lines = Object.entries(headers).flatMap(([name, value]) => ["--header", `${name}: ${value}`]);
  const child = spawn("curl", ["--silent", "--data-binary", body, ...lines, url], { stdio: "ignore" });
  return {
    kill: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.kill("SIGKILL");
      }),
  };
};

const overSocket =
  (end: "destroy" | "resetAndDestroy"): Begin =>
  (url, body, headers) => {
    const { hostname, port, pathname, host } = new URL(url);
    const lines = Object.entries({ host, "content-length": String(Buffer.byteLength(body)), ...headers });
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    socket.write(
      `POST ${pathname} HTTP/1.1\r\n${lines.map((line) => `${line.join(": ")}\r\n`).join("")}\r\n`,
    );
    socket.write(body);
    return {
      kill: () =>
        new Promise((resolve) => {
          socket.once("close", () => resolve());
          socket[end]();
        }),
    };
  };

const hasCurl = spawnSync("curl", ["--version"]).status === 0;

export interface KilledClient {
  readonly what: string;
  readonly begin: Begin;
}

export const resetClient: KilledClient = {
  what: "a client whose connection is reset",
  begin: overSocket("resetAndDestroy"),
};
const closedClient: KilledClient = hasCurl
  ? { what: "curl, killed with -9", begin: curl }
  : { what: "a client whose connection is closed", begin: overSocket("destroy") };

/** One of each kind. */
export const killedClients: readonly KilledClient[] = [closedClient, resetClient];

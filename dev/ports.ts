// Ports: whether one is free to listen on, and one that is. Asked before anything is started, so that the answer
// is a sentence and not a stack of somebody else's.

import { createServer, type AddressInfo } from "node:net";

export function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .once("listening", () => server.close(() => resolve(true)))
      .listen(port, host);
  });
}

/** Free a moment ago: for commands that take a port and cannot choose one themselves. */
export function freePort(host = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, host, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

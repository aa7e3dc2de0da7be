// Whether a port is free to listen on. Asked before anything is started, so that the answer is a sentence
// and not a stack of somebody else's.

import { createServer } from "node:net";

export function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .once("listening", () => server.close(() => resolve(true)))
      .listen(port, host);
  });
}

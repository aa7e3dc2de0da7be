// A TCP proxy that can withhold what one side says: for the moment between a deed and its acknowledgement.

import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface HeldProxy {
  readonly port: number;
  /** From now on nothing of what the target says gets through; what was withheld is lost. */
  hold(): void;
  /** What the target says from now on, on new connections, gets through again; the old ones are cut. */
  release(): void;
  close(): Promise<void>;
}

export function startHeldProxy(port: number, target: number): Promise<HeldProxy> {
  const sockets = new Set<Socket>();
  let isHeld = false;
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on("data", (chunk) => {
      if (!isHeld) client.write(chunk);
    });
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        hold: () => {
          isHeld = true;
        },
        release: () => {
          cut();
          isHeld = false;
        },
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            cut();
          }),
      });
    });
  });
}

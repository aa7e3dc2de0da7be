// The bridge over a log in this process, as a gateway of a test asks it: with the credentials that `credentialsFor` gives.

import {
  openEmbeddedGroups,
  produceOnce,
  startBridge,
  type Bridge,
  type Credentials,
  type EmbeddedLog,
} from "../../bridge/index.ts";
import { password, user } from "./loop.ts";

/** With groups of its own; undone by `later`. `credentials`: others than those that `credentialsFor` gives. */
export async function bridgeOver(
  log: EmbeddedLog,
  later: (cleanup: () => unknown) => void,
  groups = openEmbeddedGroups({ log }),
  credentials?: Credentials,
): Promise<Bridge> {
  const bridge = await startBridge({
    host: "127.0.0.1",
    port: 0,
    ...(credentials === undefined ? { username: user, password } : { credentials }),
    log: produceOnce(log),
    groups,
  });
  later(() => bridge.close());
  return bridge;
}

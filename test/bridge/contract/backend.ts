// What a backend of the bridge brings to the contract suite, and a bridge over it for one test.

import { onTestFinished } from "vitest";
import { produceOnce, startBridge, type BridgeOptions } from "../../../bridge/index.ts";
import type { Backend, Log } from "../../../kafka/log/index.ts";
import { newName, password, raw, username, type RawAnswer } from "../../support/bridge.ts";

/** `waiting`: fetches that are waiting now. */
export interface OpenBackend extends Backend<Log & { readonly waiting: number }> {
  /** Resolves when the topic can be produced to and consumed. */
  readonly createTopic: (name: string, partitions: number) => Promise<void>;
}

export interface BackendUnderTest {
  readonly name: string;
  /** Opened for every test anew, and closed with it. */
  readonly open: () => Promise<OpenBackend>;
}

export interface ContractBridge extends OpenBackend {
  readonly url: string;
  /** A name that no other test uses, of a topic that exists. */
  readonly newTopic: (partitions: number) => Promise<string>;
  /** A POST of JSON, or of a string as it stands; a GET when there is no body. */
  readonly call: (path: string, body?: unknown) => Promise<RawAnswer>;
}

export async function bridgeOver(
  backend: BackendUnderTest,
  options: Partial<BridgeOptions> = {},
): Promise<ContractBridge> {
  const opened = await backend.open();
  const bridge = await startBridge({
    host: "127.0.0.1",
    port: 0,
    username,
    password,
    log: produceOnce(opened.log),
    groups: opened.groups,
    ...options,
  });
  onTestFinished(async () => {
    await bridge.close();
    await opened.close();
  });
  return {
    ...opened,
    url: bridge.url,
    async newTopic(partitions) {
      const name = newName();
      await opened.createTopic(name, partitions);
      return name;
    },
    call: (path, body) => raw(bridge.url + path, body === undefined ? {} : { method: "POST", body }),
  };
}

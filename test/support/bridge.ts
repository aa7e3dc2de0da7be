// What the bridge's tests share: a bridge on a free port, raw HTTP, waiting for a condition, folders.
// Everything started here ends with the test that asked for it.

import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { request, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  openEmbeddedGroups,
  openEmbeddedLog,
  produceOnce,
  startBridge,
  type BridgeOptions,
  type EmbeddedLog,
  type EmbeddedLogOptions,
} from "../../bridge/index.ts";
import type { Appended, FetchOptions, ProduceAnswer } from "../../kafka/log/index.ts";
import { encodeText, textHeader, type NewRecord } from "../../protocol/index.ts";

export const username = "tester";
export const password = "secret";

export interface TestBridge {
  readonly url: string;
  readonly log: EmbeddedLog;
  /** A POST of JSON, or of a string as it stands; a GET when there is no body. */
  readonly call: (path: string, body?: unknown) => Promise<RawAnswer>;
  readonly close: () => Promise<void>;
}

export async function testBridge(
  options: EmbeddedLogOptions & Partial<BridgeOptions> = {},
): Promise<TestBridge> {
  const log = openEmbeddedLog(options);
  const served = produceOnce(log);
  const groups = openEmbeddedGroups({ log });
  const bridge = await startBridge({
    host: "127.0.0.1",
    port: 0,
    username,
    password,
    log: served,
    groups,
    ...options,
  });
  onTestFinished(async () => {
    await bridge.close();
    await groups.close();
    await log.close();
  });
  return {
    url: bridge.url,
    log,
    call: (path, body) => raw(bridge.url + path, body === undefined ? {} : { method: "POST", body }),
    close: () => bridge.close(),
  };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

/** Anything that node:http can send, also what fetch refuses to: a GET with a body. */
export function raw(
  url: string,
  options: {
    readonly method?: string;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
  } = {},
): Promise<RawAnswer> {
  const { body } = options;
  const bytes =
    body === undefined || typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: options.method ?? "GET",
        headers: {
          authorization: basic(username, password),
          ...(bytes === undefined ? {} : { "content-length": Buffer.byteLength(bytes) }),
          ...options.headers,
        },
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: JSON.parse(text),
          }),
        );
      },
    );
    sent.on("error", reject);
    sent.end(bytes);
  });
}

export function basic(user: string, secret: string): string {
  return `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`;
}

/** Looks again at every turn of the event loop; fails after 5 s with the last state seen. */
export async function until(state: () => unknown, wanted: unknown): Promise<void> {
  const giveUpAt = Date.now() + 5_000;
  while (state() !== wanted) {
    if (Date.now() > giveUpAt) throw new Error(`waited for ${String(wanted)}, last saw ${String(state())}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearback-bridge-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export function recordOf(
  topic: string,
  value: string,
  produceId?: string,
): NewRecord & { partition: number } {
  return {
    topic,
    partition: 0,
    key: null,
    value: encodeText(value),
    headers: produceId === undefined ? [] : [textHeader("X-Produce-ID", produceId)],
  };
}

export function appended(answer: ProduceAnswer | undefined): Appended {
  if (answer === undefined || "refused" in answer) throw new Error(`not appended: ${JSON.stringify(answer)}`);
  return answer;
}

/** That no other test uses: of a topic, a file. */
export function newName(): string {
  return `t-${randomUUID().slice(0, 13)}`;
}

/** A fetch that takes what is there. */
export const atOnce: FetchOptions = {
  timeoutMs: 0,
  maxBytes: 4 * 1024 * 1024,
  signal: new AbortController().signal,
};

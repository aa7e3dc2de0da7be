// The loop that the hostile tables attack: a gateway whose log is collected, a log in this process, and a mirror behind
// it that answers each request with all it was shown. What is sent, and what should become of it, is in the tables.

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { openEmbeddedLog } from "../../bridge/index.ts";
import type { Log, LogPosition } from "../../kafka/log/index.ts";
import {
  decodeReplyAddress,
  encodeReply,
  encodeText,
  isCancel,
  type DrainVerdict,
  type KafkaRecord,
} from "../../protocol/index.ts";
import type { GatewayOptions } from "../../worker/config.ts";
import { atOnce } from "./bridge.ts";
import { bridgeOver } from "./embedded-bridge.ts";
import { credentialsFor } from "./loop.ts";
import { startRestartableGateway, type RestartableGateway } from "./restartable-gateway.ts";
import { startTokenIssuer } from "./token-issuer.ts";

/** Never to be seen in a log line, an answer or a record. */
export const secrets = {
  operatorToken: "operator-token-of-the-hostile-tests",
  uuidSecret: "uuid-secret-of-the-hostile-tests-that-is-long",
  acmeKey: "hbk_the-key-of-acme-in-the-hostile-tests",
  betaKey: "hbk_the-key-of-beta-in-the-hostile-tests",
  expiredKey: "hbk_the-key-of-acme-of-last-year",
} as const;

/** In hex, as lists of API keys have it. */
export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const apiKeys = [
  { principal: "acme", sha256: sha256(secrets.acmeKey) },
  { principal: "beta", sha256: sha256(secrets.betaKey) },
  { principal: "acme", sha256: sha256(secrets.expiredKey), expires: "2026-01-01T00:00:00Z" },
];

/** Whose tokens the service `signed-in` takes, and for whom they must be. */
export const issuer = "https://issuer.test";
export const audience = "hostile";
/** Whose pages may call the service `paged`, with the credentials of whoever looks at them. */
export const ownOrigin = "https://app.example";

export const requestTopic = "hostile.requests.v1";
export const replyTopic = "hostile.replies.v1";
/** Of another service, read by the same drain. */
export const otherReplyTopic = "hostile.other-replies.v1";
export const replyPartitions = 3;

const service = { requestTopic, replyTopic, replyPartitions, timeoutMs: 5_000 } as const;
const other = { ...service, replyTopic: otherReplyTopic, replyPartitions: 1 } as const;

/** One service per habit that can be attacked. */
const hostileOptions = (jwksUrl: string): GatewayOptions => ({
  workersPlan: "paid",
  produceTimeoutMs: 1_000,
  services: {
    echo: { ...service, route: "POST /echo", forwardHeaders: ["x-tenant"] },
    look: { ...service, route: "GET /look" },
    item: { ...service, route: "GET /items/:id", recordKey: { path: "id" } },
    found: { ...service, route: "GET /found", recordKey: { query: "__proto__" } },
    ordered: { ...service, route: "POST /ordered", recordKey: { body: "/customer/id" } },
    proto: { ...service, route: "POST /proto", recordKey: { body: "/__proto__/name" } },
    constructed: { ...service, route: "POST /constructed", recordKey: { body: "/constructor/name" } },
    keyed: { ...service, route: "POST /keyed", idempotencyKey: "required" },
    signed: { ...service, route: "POST /signed", correlationIds: "uuid" },
    small: { ...service, route: "POST /small", bodyLimitBytes: 1_000 },
    /** Its mirror says nothing until a test does. */
    brief: { ...service, route: "POST /brief", timeoutMs: 1_200 },
    other: { ...other, route: "POST /other" },
    tenant: {
      ...service,
      route: "POST /tenant",
      authentication: [{ apiKeys: "API_KEYS" }],
      forwardClaims: ["sub"],
    },
    "signed-in": {
      ...service,
      route: "POST /signed-in",
      authentication: [{ jwt: { issuer, audience, jwksUrl } }],
    },
    paged: { ...service, route: "POST /paged", cors: { origins: [ownOrigin], credentials: true } },
    /** Its body's schema is the entry's. */
    checked: { ...service, route: "POST /checked" },
  },
});

/** What the mirror was shown, and answers with. */
export interface Mirrored {
  readonly key: string;
  /** As they stand in the record, duplicates too. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Base64. */
  readonly body: string;
}

export interface HostileLoop {
  readonly gateway: RestartableGateway;
  readonly log: Log;
  /** Every request record so far, in the order in which the mirror read them. */
  readonly seen: readonly KafkaRecord[];
  /** The mirror leaves requests whose body begins with this text to the test. */
  readonly withheld: string;
  ledger(): Promise<HostileLedger>;
}

export interface HostileLedger {
  readonly balanced: boolean;
  readonly read: number;
  readonly inFlight: number;
  readonly verdicts: Readonly<Record<DrainVerdict, number>>;
}

/** All of it is undone by `later`. */
export async function startHostileLoop(later: (cleanup: () => unknown) => void): Promise<HostileLoop> {
  const log = openEmbeddedLog({
    topics: new Map([
      [requestTopic, 1],
      [replyTopic, replyPartitions],
      [otherReplyTopic, 1],
    ]),
  });
  const bridge = await bridgeOver(log, later);
  const withheld = "withheld ";
  const mirror = startMirror(log, withheld);
  later(() => mirror.stop());
  const tokens = await startTokenIssuer();
  later(() => tokens.stop());
  const gateway = await startRestartableGateway(
    {
      entry: "test/fixtures/loop/hostile-entry.ts",
      name: "hearback-hostile",
      variables: {
        ...credentialsFor(bridge.url),
        HEARBACK_OPERATOR_TOKEN: secrets.operatorToken,
        CORRELATION_ID_SECRET: secrets.uuidSecret,
        API_KEYS: JSON.stringify(apiKeys),
        GATEWAY_OPTIONS: JSON.stringify(hostileOptions(tokens.jwksUrl)),
      },
    },
    later,
  );
  return {
    gateway,
    log,
    seen: mirror.seen,
    withheld,
    ledger: () => readLedger(gateway.url),
  };
}

async function readLedger(url: string): Promise<HostileLedger> {
  const response = await fetch(`${url}/_hearback/ledger`, {
    headers: { authorization: `Bearer ${secrets.operatorToken}` },
  });
  const { balanced, partitions } = (await response.json()) as {
    readonly balanced: boolean;
    readonly partitions: readonly HostileLedger[];
  };
  const verdicts: Partial<Record<DrainVerdict, number>> = {};
  for (const partition of partitions) {
    for (const [verdict, count] of Object.entries(partition.verdicts) as [DrainVerdict, number][]) {
      verdicts[verdict] = (verdicts[verdict] ?? 0) + count;
    }
  }
  const sum = (key: "read" | "inFlight") => partitions.reduce((total, each) => total + each[key], 0);
  return {
    balanced,
    read: sum("read"),
    inFlight: sum("inFlight"),
    verdicts: verdicts as Record<DrainVerdict, number>,
  };
}

interface Mirror {
  readonly seen: readonly KafkaRecord[];
  stop(): Promise<void>;
}

function startMirror(log: Log, withheld: string): Mirror {
  const stopped = new AbortController();
  const seen: KafkaRecord[] = [];
  const latin1 = (bytes: Uint8Array | null) => Buffer.from(bytes ?? []).toString("latin1");

  async function answer(request: KafkaRecord): Promise<void> {
    const address = decodeReplyAddress(request.headers);
    if (typeof address === "string") throw new Error(address);
    const mirrored: Mirrored = {
      key: latin1(request.key),
      headers: request.headers.map(({ key, value }) => [key, latin1(value)]),
      body: Buffer.from(request.value ?? []).toString("base64"),
    };
    const reply = encodeReply(address, request.headers, {
      status: 200,
      contentType: "application/json",
      body: encodeText(JSON.stringify(mirrored)),
      sequence: 0,
      receivedAt: Date.now(),
      repliedAt: Date.now(),
    });
    const [appended] = await log.produce([reply]);
    if (appended === undefined || "refused" in appended) throw new Error(JSON.stringify(appended));
  }

  async function run(): Promise<void> {
    let position: LogPosition = { topic: requestTopic, partition: 0, offset: 0 };
    while (!stopped.signal.aborted) {
      const requests = await log.fetch([position], { ...atOnce, timeoutMs: 60_000, signal: stopped.signal });
      const last = requests.at(-1);
      if (last !== undefined) position = { ...position, offset: last.offset + 1 };
      for (const request of requests) {
        seen.push(request);
        const isOurs = !latin1(request.value).startsWith(withheld);
        if (isOurs && !isCancel(request.headers)) await answer(request);
      }
    }
  }
  const running = run();
  return {
    seen,
    stop() {
      stopped.abort();
      return running;
    },
  };
}

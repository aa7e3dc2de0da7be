// What a bridge tells its operator over HTTP: that it lives, whether it can be used, its figures. Which of these
// need which credential is said here; who a caller is, in credentials.ts.

import { hash, timingSafeEqual } from "node:crypto";
import type { Log } from "../../kafka/log/index.ts";
import type { Answer, TextAnswer } from "./answer.ts";
import type { BridgeMetrics } from "./metrics.ts";

/** These two are for probes, which bring no credentials. */
export function answerProbe(path: string, log: Log, isClosing: boolean): Answer | undefined {
  if (path === "/healthz") return { status: 200, body: { status: "ok" } };
  if (path !== "/readyz") return undefined;
  const trouble = isClosing ? "the bridge is ending" : log.trouble();
  return trouble === undefined
    ? { status: 200, body: { status: "ready" } }
    : { status: 503, body: { status: "not ready", reason: trouble }, headers: { "retry-after": "1" } };
}

export async function answerMetrics({ registry }: BridgeMetrics): Promise<TextAnswer> {
  return { status: 200, text: await registry.metrics(), contentType: registry.contentType };
}

/** Whether the header brings this token, in a time that says nothing about how much of a guess was right. */
export function isBearerOf(authorization: string | undefined, token: string | undefined): boolean {
  const [, guess] = /^bearer +(\S+)$/i.exec(authorization ?? "") ?? [];
  if (guess === undefined || token === undefined) return false;
  return timingSafeEqual(hash("sha256", guess, "buffer"), hash("sha256", token, "buffer"));
}

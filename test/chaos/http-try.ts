// One HTTP request of a client, on a connection of its own, and what it saw of the response. It never throws: whatever
// went wrong is how the request ended.

import { request } from "node:http";
import type { Outcome } from "./next-step.ts";

export interface HttpTry {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** After so many ms the client goes away, or when `over` fires. */
  readonly patienceMs: number;
  readonly over: AbortSignal;
}

export interface TryResult {
  readonly outcome: Outcome;
  readonly retryAfterMs: number | undefined;
}

export function tryHttp({ method, url, headers, body, patienceMs, over }: HttpTry): Promise<TryResult> {
  const signal = AbortSignal.any([AbortSignal.timeout(patienceMs), over]);
  return new Promise((resolve) => {
    const broken = ({ code, message }: NodeJS.ErrnoException): void => {
      const cause = signal.aborted ? "the client went away" : (code ?? message);
      resolve({ outcome: { type: "broken", cause }, retryAfterMs: undefined });
    };
    // No connection is used twice: one that a killed server has left behind would fail the request after it.
    const sent = request(url, { method, headers, agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      response.on("error", broken);
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const header = (name: string): string | null => {
          const value = response.headers[name];
          return typeof value === "string" ? value : null;
        };
        const status = response.statusCode ?? 0;
        const code = header("content-type")?.startsWith("application/problem+json")
          ? codeOf(text)
          : undefined;
        const retryAfter = header("retry-after");
        resolve({
          outcome: {
            type: "response",
            response: {
              status,
              correlationId: header("x-correlation-id"),
              location: header("location"),
              ...(code === undefined ? {} : { code }),
              ...(status === 200 ? { body: text } : {}),
            },
          },
          retryAfterMs: retryAfter === null ? undefined : Number(retryAfter) * 1_000,
        });
      });
    });
    sent.on("error", broken);
    sent.end(body);
  });
}

function codeOf(text: string): string | undefined {
  try {
    const { code } = JSON.parse(text) as { readonly code?: unknown };
    return typeof code === "string" ? code : undefined;
  } catch {
    return undefined;
  }
}

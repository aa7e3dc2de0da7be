// What a hostile request is, and the few words in which the tables are written: what is sent, and what must come of it.

import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import type { Problem, ProblemCode } from "../../../protocol/index.ts";
import type { Mirrored } from "../hostile-loop.ts";
import type { RawConnection } from "../raw-http.ts";

/** What there is to attack with beside fixed bytes. */
export interface Known {
  /** IDs that this gateway gave out. */
  readonly hexId: string;
  readonly uuidId: string;
  /** Of an exchange of the tenant acme, which is kept. */
  readonly acmeId: string;
}

export type Expected =
  /** The gateway's own refusal; `told` is what the client is told besides. */
  | { readonly status: number; readonly code: ProblemCode; readonly told?: Told }
  /** Refused by the platform's HTTP parser, before any code of ours. */
  | { readonly status: number; readonly code: "platform" }
  /** Served like any other; `shown` is what the service is told of it. */
  | { readonly status: 200; readonly code: "served"; readonly shown?: Shown }
  /** By the gateway, with its correlation ID and without a body. */
  | { readonly status: number; readonly code: "bare" }
  /** The platform ends the connection without a word. */
  | "closed"
  /** Nobody answers before the client is gone. */
  | "silent";

export interface Shown {
  readonly of: (mirrored: Mirrored) => unknown;
  readonly is: unknown;
}

export interface Told {
  readonly of: (problem: Problem) => unknown;
  readonly is: unknown;
}

export type HostileRequest = (
  | { readonly send: string | ((known: Known) => string) }
  /** More than bytes that are sent at once. */
  | { readonly converse: (connection: RawConnection) => Promise<void> }
) & {
  readonly title: string;
  readonly expected: Expected;
  /** Headers of the answer by name in lower case; undefined: it must not be there. */
  readonly answerHeaders?: Readonly<Record<string, string | undefined>>;
  /** What the platform's own log may say of it. */
  readonly platformSays?: RegExp;
};

export const served = (of?: Shown["of"], is?: unknown): Expected =>
  of === undefined ? { status: 200, code: "served" } : { status: 200, code: "served", shown: { of, is } };
export const platform = (status: number): Expected => ({ status, code: "platform" });
export const problem = (status: number, code: ProblemCode): Expected => ({ status, code });
export const told = (status: number, code: ProblemCode, of: Told["of"], is: unknown): Expected => ({
  status,
  code,
  told: { of, is },
});

interface Parts {
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** A request that is well-formed but for what the caller puts in. */
export function head(target: string, { method = "POST", headers = [], body = "" }: Parts = {}): string {
  const hasLength = headers.some((line) => /^(content-length|transfer-encoding)/i.test(line));
  const lines = [
    `${method} ${target} HTTP/1.1`,
    "Host: gateway.test",
    ...headers,
    ...(hasLength || (body === "" && method !== "POST") ? [] : [`Content-Length: ${body.length}`]),
  ];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

export const conversation = (
  title: string,
  converse: (connection: RawConnection) => Promise<void>,
  expected: Expected,
): HostileRequest => ({ title, converse, expected });

/** By which acme has an exchange. */
export const acmeIdempotencyKey = "the key of acme's exchange";

/** A lone surrogate as bytes: UTF-8 has no such thing. */
export const surrogate = "\xed\xa0\x80";
export const header = (name: string) => (mirrored: Mirrored) =>
  mirrored.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
export const bodyOf = ({ body }: Mirrored) => Buffer.from(body, "base64").toString("latin1");
export const deepJson = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
/** 200 MB of zeros in 200 kB. */
export const zipBomb = gzipSync(Buffer.alloc(200_000_000)).toString("latin1");

export const look = (id: string): string => head(`/requests/${id}`, { method: "GET" });
export const unknownId = problem(404, "request_unknown");
export const unauthenticated = problem(401, "unauthenticated");

export const withKey = (key: string, ...more: readonly string[]) => ({
  headers: [`Authorization: Bearer ${key}`, ...more],
});

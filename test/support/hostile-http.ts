// Random requests over HTTP, byte for byte, and what each of them may be answered with: an answer of the service, a
// problem of the table with its own status, or a refusal by the platform's parser. Nothing else.

import * as fc from "fast-check";
import { problems } from "../../protocol/index.ts";
import type { HostileLoop } from "./hostile-loop.ts";
import { head } from "./hostile-requests/words.ts";
import { sendRaw, type RawOutcome } from "./raw-http.ts";

// One byte a character, as it goes on the wire.
const byte = fc.nat(255).map((code) => String.fromCharCode(code));
const noise = fc.array(byte, { maxLength: 30 }).map((some) => some.join(""));
/** What the platform's parser lets through, so that our own code is met. */
const visible = fc.stringMatching(/^[\x21-\x7e]{0,30}$/);
const printable = fc.stringMatching(/^[\x20-\x7e]{0,60}$/);

const method = fc.constantFrom(
  "GET",
  "POST",
  "POST",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PURGE",
);
const place = fc.constantFrom(
  "/echo",
  "/look",
  "/items/",
  "/found",
  "/ordered",
  "/proto",
  "/keyed",
  "/signed",
  "/small",
  "/other",
  "/tenant",
  "/signed-in",
  "/paged",
  "/checked",
  "/requests/",
  "/_hearback/ledger",
  "/_hearback/dead-letters/",
  "/healthz",
  "/",
  "//",
  "/..",
);
const target = fc.oneof(
  fc.tuple(place, visible).map(([path, more]) => path + more),
  fc.tuple(place, fc.oneof(visible, noise)).map(([path, query]) => `${path}?${query}`),
  place,
  visible.map((path) => `/${path}`),
);
const name = fc.oneof(
  fc.constantFrom(
    "Prefer",
    "Idempotency-Key",
    "X-Correlation-ID",
    "Content-Type",
    "Authorization",
    "X-API-Key",
    "Cf-Access-Jwt-Assertion",
    "Origin",
    "Access-Control-Request-Method",
    "X-Tenant",
    "Hearback-Park",
    "X-Deadline",
    "X-Reply-Topic",
    "Upgrade",
    "Content-Encoding",
    "traceparent",
    "Accept",
    "Range",
    "Expect",
  ),
  fc
    .stringMatching(/^[a-zA-Z0-9_-]{1,20}$/)
    .filter((text) => !/^(content-length|transfer-encoding|host|connection)$/i.test(text)),
);
const value = fc.oneof(
  printable,
  noise.map((text) => text.replaceAll(/[\r\n\0]/g, "")),
  // No `respond-async` with a body that the mirror never answers; a wait ends with the mirror's reply.
  fc.constantFrom(
    '"a key of more than sixteen"',
    "wait=1",
    "respond-async",
    'wait="1',
    "Bearer x",
    "Bearer eyJhbGciOiJub25lIn0.e30.",
    "https://app.example",
    "POST",
    "application/json",
    "100-continue",
    "websocket",
  ),
);
const header = fc.oneof(
  { weight: 20, arbitrary: fc.tuple(name, value).map(([key, text]) => `${key}: ${text}`) },
  { weight: 1, arbitrary: noise },
);
const body = fc.oneof(
  noise,
  fc.json(),
  fc.constant('{"customer":{"id":"a"}}'),
  fc.json().map((items) => `{"items":[${items}]}`),
  fc.nat(2_000).map((size) => "x".repeat(size)),
);

const request = fc.record({ method, target, headers: fc.array(header, { maxLength: 6 }), body });

/** By code; a title of one's own is what a responder has. */
const statusOf: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(problems).map(([code, { status }]) => [code, status]),
);
/** Said by the platform's HTTP parser, without a correlation ID. */
const byThePlatform = new Set([400, 413, 414, 417, 431, 501]);

/** Undefined: an answer that nobody may get. */
export function mappedAnswer(outcome: RawOutcome): string | undefined {
  if (typeof outcome === "string") return undefined;
  const { status, headers, body: said } = outcome;
  if (!headers.has("x-correlation-id")) {
    return byThePlatform.has(status) ? `${status} by the platform` : undefined;
  }
  if (headers.get("content-type") !== "application/problem+json") {
    return [200, 202, 204].includes(status) ? String(status) : undefined;
  }
  // HEAD: a problem without its body.
  if (said === "") return Object.values(statusOf).includes(status) ? `${status} without a body` : undefined;
  const { code, status: repeated } = JSON.parse(said) as { code: string; status: number };
  const isOfTable = statusOf[code] === status && repeated === status;
  return isOfTable && code !== "internal" && code !== "deadline_exceeded" ? `${status} ${code}` : undefined;
}

/** How often each answer came. Rejects with the smallest request that got an answer which nobody may get. */
export async function fuzzOverHttp(
  loop: HostileLoop,
  numRuns: number,
  seed: number,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(request, async ({ target: asked, ...parts }) => {
      const outcome = await sendRaw(loop.gateway.directUrl, head(asked, parts));
      const answer = mappedAnswer(outcome);
      if (answer === undefined) throw new Error(`answered with ${JSON.stringify(outcome)}`);
      counts.set(answer, (counts.get(answer) ?? 0) + 1);
    }),
    { numRuns, seed },
  );
  return counts;
}

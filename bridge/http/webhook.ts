// A webhook call as a record: its body is the value, its own headers are the record's. What becomes of the record
// is decided in routes.ts.

import { textHeader } from "../../protocol/index.ts";
import { type RecordToAppend, type Refused, refusalOf } from "../../kafka/log/index.ts";
import { badRequest, type Problem } from "./answer.ts";
import type { Call } from "./call.ts";

/**
 * Headers of HTTP itself, of browsers and of the proxies on the way, which say nothing of the record. Upstash
 * documents that the others, the non-standard ones, become record headers: so content-type does not.
 */
const standardHeaders = new Set(
  [
    "connection keep-alive proxy-connection te trailer transfer-encoding upgrade http2-settings",
    "authorization proxy-authorization cookie origin referer user-agent host from dnt",
    "content-encoding content-language content-length content-location content-type date expect",
    "accept cache-control pragma range priority upgrade-insecure-requests max-forwards",
    "if-match if-modified-since if-none-match if-range if-unmodified-since",
    "forwarded via x-real-ip cdn-loop true-client-ip traceparent tracestate",
  ].flatMap((line) => line.split(" ")),
);
const standardPrefixes = ["accept-", "access-control-", "cf-", "sec-", "x-forwarded-"];

export function recordOfWebhook({ query, body, rawHeaders }: Call): RecordToAppend | Refused | Problem {
  const topic = query.get("topic");
  if (topic === null) return badRequest("a webhook names its topic in the query");
  const headers = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = rawHeaders.slice(at, at + 2);
    if (!isStandard(name.toLowerCase())) headers.push(textHeader(name, value));
  }
  const record = { topic, key: null, value: body, headers };
  return refusalOf(record) ?? record;
}

function isStandard(name: string): boolean {
  return standardHeaders.has(name) || standardPrefixes.some((prefix) => name.startsWith(prefix));
}

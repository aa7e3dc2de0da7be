// How large URL and headers of a request may be. Lengths only: what they say is read later, and bodies have a limit of
// their own (body.ts).

import type { MiddlewareHandler } from "hono";
import { encodeText } from "../../protocol/index.ts";
import type { AppEnv } from "../app.ts";
import type { GatewayConfig } from "../config.ts";
import { respondProblem } from "./respond.ts";

export type Limits = GatewayConfig["limits"];

/** The first limit that is broken, with the option that sets it, in words for the client. */
export interface BrokenLimit {
  readonly code: "uri_too_long" | "headers_too_large";
  readonly detail: string;
}

/** `url` is absolute, as Request has it. Fields of one name count as one: the platform has joined them. */
export function brokenLimit(
  { url, headers }: Pick<Request, "url" | "headers">,
  { urlBytes, headerCount, headerBytes }: Limits,
): BrokenLimit | undefined {
  const pathAt = url.indexOf("/", url.indexOf("://") + 3);
  // A parsed URL is ASCII.
  if (url.length - pathAt > urlBytes) {
    return { code: "uri_too_long", detail: `at most ${urlBytes} bytes of path and query` };
  }
  let count = 0;
  let bytes = 0;
  for (const [name, value] of headers) {
    count++;
    bytes += name.length + utf8Length(value);
  }
  if (count > headerCount) return { code: "headers_too_large", detail: `at most ${headerCount} headers` };
  if (bytes > headerBytes) {
    return { code: "headers_too_large", detail: `at most ${headerBytes} bytes of names and values` };
  }
  return undefined;
}

export function withinLimits(limits: Limits): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const broken = brokenLimit(c.req.raw, limits);
    if (broken === undefined) return next();
    return respondProblem(broken.code, c.get("correlationId"), { detail: broken.detail });
  };
}

const notAscii = /[^\0-\x7f]/;

function utf8Length(text: string): number {
  return notAscii.test(text) ? encodeText(text).byteLength : text.length;
}

// Headers that tell browsers to make nothing of an answer but data. Services choose body and content type of their
// replies, and these come from our origin. Hono has a middleware for such headers, but its values cannot depend on the
// request, and most of its headers are for pages.

import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app.ts";

const always = [
  // Bytes that a service calls text stay text.
  ["X-Content-Type-Options", "nosniff"],
  // HTML in a reply runs no script, loads nothing, and is in no other page's frame.
  ["Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"],
  // Paths and queries name customers and orders.
  ["Referrer-Policy", "no-referrer"],
] as const;

/** A year. Subdomains are not ours to speak for. */
const onlyByHttps = ["Strict-Transport-Security", "max-age=31536000"] as const;

/** `isPublic`: whether any page may read the answers of this path; else none may embed them. */
export function securityHeaders(
  isPublic: (path: string, method: string) => boolean,
): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next();
    // Each answer is a Response of our own making, so that its headers can be set.
    const { headers } = c.res;
    for (const [name, value] of always) headers.set(name, value);
    const resourcePolicy = isPublic(c.req.path, c.req.method) ? "cross-origin" : "same-origin";
    headers.set("Cross-Origin-Resource-Policy", resourcePolicy);
    if (c.req.raw.url.startsWith("https:")) headers.set(...onlyByHttps);
  };
}

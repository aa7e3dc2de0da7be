// Whether paths can be routed by at all: their patterns compile, each and together. A pattern that does not would end
// every request to the gateway, whatever its path.

import { Hono } from "hono";
import { TrieRouter } from "hono/router/trie-router";

/** `paths` are in Hono's syntax. */
export function canRoute(paths: readonly string[]): boolean {
  const app = new Hono();
  // Hono turns to it when routes do not fit one expression, and it reads a pattern in another way.
  const fallback = new TrieRouter<true>();
  try {
    for (const path of paths) {
      app.get(path, (c) => c.body(null));
      fallback.add("GET", path, true);
    }
    app.router.match("GET", "/");
    fallback.match("GET", "/");
    return true;
  } catch {
    return false;
  }
}

// Callback URLs, whatever a client sends.

import * as fc from "fast-check";
import { readCallbackUrl } from "../../worker/http/callback-url.ts";
import type { Property } from "../support/fuzz-seed.ts";
import { holds, nasty, text } from "./words.ts";

const hosts = ["hooks.example.com", "*.example.org", "hooks.example.net:8443"];

const part = fc.constantFrom(
  "https:",
  "http:",
  "HTTPS:",
  "/",
  "//",
  "\\",
  "@",
  ":",
  "#",
  "?",
  "%2e",
  "%00",
  ".",
  "a",
  "hooks.example.com",
  ".example.org",
  "example.org",
  "hooks.example.net:8443",
  "evil.example",
  "localhost",
  "127.0.0.1",
  "0x7f.1",
  "2130706433",
  "[::1]",
  "[::ffff:127.0.0.1]",
  ":443",
  ":8443",
  " ",
  ", https://hooks.example.com/",
);
const url = fc.oneof(
  text,
  fc.webUrl(),
  fc.array(fc.oneof(part, nasty), { maxLength: 8 }).map((parts) => parts.join("")),
  fc
    .array(fc.oneof(part, nasty), { maxLength: 5 })
    .map((parts) => `https://hooks.example.com${parts.join("")}`),
);

const listed =
  /^https:\/\/(hooks\.example\.com|([a-z0-9-]+\.)+example\.org|hooks\.example\.net:8443)\/[^#]*$/;

export const callbacks: readonly Property[] = [
  holds(
    "any callback URL that is taken is https, of a listed host, and what fetch will read",
    url,
    (sent) => {
      const read = readCallbackUrl(sent, hosts, false);
      if (!read.ok) return true;
      return listed.test(read.url) && new URL(read.url).href === read.url && read.url.length <= 2_048;
    },
  ),
];

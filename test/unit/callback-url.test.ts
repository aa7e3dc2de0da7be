// Which URLs may be called. The gateway refuses what is refused here before anything is read or produced.

import { describe, expect, test } from "vitest";
import { readCallbackUrl } from "../../worker/http/callback-url.ts";

const hosts = ["hooks.example.com", "*.example.org", "hooks.example.net:8443"];
const read = (text: string) => readCallbackUrl(text, hosts, false);
const readOpen = (text: string) => readCallbackUrl(text, hosts, true);
const longest = (length: number) => {
  const start = "https://hooks.example.com/";
  return `${start}${"a".repeat(length - start.length)}`;
};

test.each([
  "https://hooks.example.com/",
  "https://hooks.example.com/done?order=1&token=s%20t",
  "https://hooks.example.com/a,b",
  "https://a.example.org/",
  "https://a.b.example.org/hook",
  "https://xn--bcher-kva.example.org/",
  "https://hooks.example.net:8443/x",
  longest(2_048),
])("%s may be called", (url) => {
  expect(read(url)).toEqual({ ok: true, url });
});

test("without a path the root is meant", () => {
  expect(read("https://hooks.example.com")).toEqual({ ok: true, url: "https://hooks.example.com/" });
});

const form = "it must be one absolute URL in its normal form";
const name = "its host must be a public name";
const unlisted = "its host is none that the service calls";
const https = "it must be https";
const credentials = "it must not have credentials";
const fragment = "it must not have a fragment";

const hostile: readonly (readonly [what: string, url: string, why: string])[] = [
  ["nothing", "", form],
  ["a word", "hooks", form],
  ["a path", "/hook", form],
  ["no scheme", "hooks.example.com/hook", form],
  ["another origin's scheme", "//hooks.example.com/", form],
  ["http", "http://hooks.example.com/", https],
  ["ftp", "ftp://hooks.example.com/", https],
  ["a script", "javascript:fetch('/')", https],
  ["data", "data:text/plain,hi", https],
  ["a file", "file:///etc/passwd", https],
  ["a blob", "blob:https://hooks.example.com/1", https],
  ["a WebSocket", "wss://hooks.example.com/", https],
  ["a scheme without slashes", "https:hooks.example.com", form],
  ["a scheme with one slash", "https:/hooks.example.com/", form],
  ["three slashes", "https:///hooks.example.com/", form],
  ["slashes the other way", "https:\\\\hooks.example.com\\", form],
  ["a backslash for a path", "https://evil.test\\@hooks.example.com/", form],
  ["a user", "https://me@hooks.example.com/", credentials],
  ["a user and a password", "https://me:secret@hooks.example.com/", credentials],
  ["a password alone", "https://:secret@hooks.example.com/", credentials],
  ["an empty user", "https://@hooks.example.com/", form],
  ["the listed host as a user", "https://hooks.example.com@evil.example/", credentials],
  ["a fragment", "https://hooks.example.com/#x", fragment],
  ["an empty fragment", "https://hooks.example.com/#", fragment],
  ["a host that is not listed", "https://evil.example/", unlisted],
  ["the listed host as a path", "https://evil.example/hooks.example.com", unlisted],
  ["the listed host as a beginning", "https://hooks.example.com.evil.example/", unlisted],
  ["the listed host as an end", "https://evilhooks.example.com/", unlisted],
  ["a name below a host listed exactly", "https://a.hooks.example.com/", unlisted],
  ["the domain of a pattern itself", "https://example.org/", unlisted],
  ["a name that ends like a pattern", "https://evilexample.org/", unlisted],
  ["a pattern", "https://*.example.org/", name],
  ["a port that is not listed", "https://hooks.example.com:8443/", unlisted],
  ["the usual port of a host with another", "https://hooks.example.net/", unlisted],
  ["the usual port, said", "https://hooks.example.com:443/", form],
  ["a port with a zero", "https://hooks.example.net:08443/", form],
  ["port 0", "https://hooks.example.com:0/", unlisted],
  ["a port that is none", "https://hooks.example.com:99999/", form],
  ["this machine", "https://localhost/", name],
  ["a name of this machine", "https://hooks.localhost/", name],
  ["this machine with a full stop", "https://localhost./", name],
  ["a name without a domain", "https://kafka/", name],
  ["an inner name", "https://metadata.google.internal/", name],
  ["a name of mDNS", "https://printer.local/", name],
  ["a name of the home", "https://router.home.arpa/", name],
  ["a name of a company", "https://wiki.corp/", name],
  ["127.0.0.1", "https://127.0.0.1/", name],
  ["127.0.0.1 with a port", "https://127.0.0.1:8443/", name],
  ["0.0.0.0", "https://0.0.0.0/", name],
  ["a private address", "https://10.0.0.1/", name],
  ["another private address", "https://192.168.0.1/", name],
  ["cloud metadata", "https://169.254.169.254/latest/meta-data/", name],
  ["a public address", "https://93.184.216.34/", name],
  ["an address in short", "https://127.1/", form],
  ["an address as one number", "https://2130706433/", form],
  ["an address in hex", "https://0x7f000001/", form],
  ["an address in octal", "https://0177.0.0.1/", form],
  ["an address with a full stop", "https://127.0.0.1./", form],
  ["an address with escapes", "https://%31%32%37.0.0.1/", form],
  ["an address in other digits", "https://①②⑦.⓪.⓪.①/", form],
  ["five numbers", "https://1.2.3.4.5/", form],
  ["a name that ends in a number", "https://hooks.example.com.1/", form],
  ["::1", "https://[::1]/", name],
  ["::", "https://[::]/", name],
  ["an IPv4 in IPv6", "https://[::ffff:127.0.0.1]/", form],
  ["an IPv4 in IPv6, in hex", "https://[::ffff:7f00:1]/", name],
  ["a local IPv6", "https://[fe80::1]/", name],
  ["a private IPv6", "https://[fd00::1]/", name],
  ["an IPv6 with a zone", "https://[fe80::1%25eth0]/", form],
  ["escapes in the host", "https://hooks%2eexample.com/", form],
  ["a NUL in the host", "https://hooks.example.com%00.evil.example/", form],
  ["capitals in the host", "https://HOOKS.example.com/", form],
  ["other letters in the host", "https://hооks.example.com/", form],
  ["a full-width dot", "https://hooks。example.com/", form],
  ["a full stop behind the host", "https://hooks.example.com./", name],
  ["an empty label", "https://hooks..example.org/", name],
  ["an underscore", "https://a_b.example.org/", name],
  ["a label of 64 letters", `https://${"a".repeat(64)}.example.org/`, name],
  ["two URLs, as two headers arrive", "https://hooks.example.com/, https://hooks.example.com/", form],
  ["a space before it", " https://hooks.example.com/", form],
  ["a line break in it", "https://hooks.example.com/\n", form],
  ["a tab in the host", "https://hooks\t.example.com/", form],
  ["a path that climbs", "https://hooks.example.com/a/../b", form],
  ["a path that climbs, encoded", "https://hooks.example.com/a/%2e%2e/b", form],
  ["letters that are not encoded", "https://hooks.example.com/ä", form],
  ["too many characters", longest(2_049), "it must have at most 2048 characters"],
];

test.each(hostile)("%s is refused: %s", (_, url, why) => {
  expect(read(url)).toEqual({ ok: false, why });
});

test("none of them is said back", () => {
  for (const [, url] of hostile) {
    const refused = read(url);
    if (url.length > 10) expect(JSON.stringify(refused)).not.toContain(url);
  }
});

test("where the service takes no callbacks none is taken", () => {
  for (const isOpen of [false, true]) {
    expect(readCallbackUrl("https://hooks.example.com/", undefined, isOpen)).toEqual({
      ok: false,
      why: "the service takes no callbacks",
    });
  }
});

describe("for local development", () => {
  test.each([
    "http://127.0.0.1:8080/hook",
    "http://localhost:3000/",
    "https://[::1]/",
    "https://unlisted.example/",
  ])("%s may be called", (url) => {
    expect(readOpen(url)).toEqual({ ok: true, url });
  });

  test.each([
    ["ftp://localhost/", https],
    ["http://me@localhost/", credentials],
    ["http://localhost/#x", fragment],
    ["http://localhost:80/", form],
    [`http://localhost/${"a".repeat(2_048)}`, "it must have at most 2048 characters"],
  ])("%s is refused all the same", (url, why) => {
    expect(readOpen(url)).toEqual({ ok: false, why });
  });
});

// Which claims satisfy a service, how they travel, and what a principal is called.

import { expect, test } from "vitest";
import { hasClaims, longestPrincipalHeader, principalHeader } from "../../worker/access/claims.ts";
import { anonymous, isAnonymous, nameOfPrincipal } from "../../worker/access/principal.ts";

test.each([
  ["the value that is asked for", { tenant: "acme" }, { tenant: "acme" }, true],
  ["another value", { tenant: "evil" }, { tenant: "acme" }, false],
  ["another spelling of it", { tenant: "ACME" }, { tenant: "acme" }, false],
  ["none", {}, { tenant: "acme" }, false],
  ["null", { tenant: null }, { tenant: "acme" }, false],
  ["one of several values", { tenant: "b" }, { tenant: ["a", "b"] }, true],
  ["none of several values", { tenant: "c" }, { tenant: ["a", "b"] }, false],
  ["a list with the value in it", { groups: ["x", "admin"] }, { groups: "admin" }, true],
  ["a list with the value inside another one", { groups: ["administrator"] }, { groups: "admin" }, false],
  ["a list with one of several values", { groups: ["x", "b"] }, { groups: ["a", "b"] }, true],
  ["an object", { groups: { admin: true } }, { groups: "admin" }, false],
  ["true where true is asked for", { email_verified: true }, { email_verified: true }, true],
  ["false where true is asked for", { email_verified: false }, { email_verified: true }, false],
  ["a text where a number is asked for", { level: "1" }, { level: 1 }, false],
  ["a word of its scope", { scope: "openid orders:write" }, { scope: "orders:write" }, true],
  ["part of a word of its scope", { scope: "orders:write-never" }, { scope: "orders:write" }, false],
  ["the words of another claim", { role: "user admin" }, { role: "admin" }, false],
  ["one of two claims", { tenant: "acme" }, { tenant: "acme", role: "admin" }, false],
  ["what every object inherits", {}, { constructor: "Object" }, false],
  ["anything where nothing is asked for", { tenant: "acme" }, {}, true],
])("a caller with %s has the claims, or has not", (_, claims, required, has) => {
  expect(hasClaims(claims, required)).toBe(has);
});

test("the claims that a service names travel as one JSON object in ASCII, those that are not there not at all", () => {
  const claims = {
    sub: "Zoë 🚀",
    iss: "https://issuer",
    roles: ["a", { b: null }],
    line: "a\r\nX-Evil: 1\u0000\u007f",
  };
  const header = principalHeader(claims, ["sub", "roles", "line", "email", "toString", "__proto__"]);
  expect(header).toMatch(/^[ -~]*$/);
  expect(JSON.parse(header ?? "")).toEqual({ sub: "Zoë 🚀", roles: ["a", { b: null }], line: claims.line });
  expect(principalHeader(claims, ["email"])).toBe("{}");
});

test("a claim by the name of a prototype is a claim like others", () => {
  const claims = JSON.parse('{"__proto__": {"admin": true}}') as Record<string, unknown>;
  expect(principalHeader(claims, ["__proto__"])).toBe('{"__proto__":{"admin":true}}');
});

test("claims that are too long to travel do not travel in part", () => {
  const around = '{"a":""}'.length;
  const fits = "x".repeat(longestPrincipalHeader - around);
  expect(principalHeader({ a: fits }, ["a"])).toHaveLength(longestPrincipalHeader);
  expect(principalHeader({ a: `${fits}x` }, ["a"])).toBeUndefined();
  // Escaped they are six times as long.
  expect(principalHeader({ a: "ë".repeat(1_000) }, ["a"])).toBeUndefined();
});

test("no two principals have one name, and only the anonymous one has none", () => {
  const principals = [
    anonymous,
    { issuer: "api-key", subject: "acme" },
    { issuer: "https://issuer", subject: "acme" },
    { issuer: "", subject: "acme" },
    { issuer: "acme", subject: "" },
    { issuer: 'a","b', subject: "c" },
    { issuer: "a", subject: 'b","c' },
  ];
  const names = principals.map(nameOfPrincipal);
  expect(new Set(names).size).toBe(principals.length);
  expect(names.filter((name) => name === "")).toHaveLength(1);
  expect(principals.filter(isAnonymous)).toEqual([anonymous]);
});

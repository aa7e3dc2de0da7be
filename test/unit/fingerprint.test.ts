// What makes two requests under one key the same.

import { expect, test } from "vitest";
import { encodeText } from "../../protocol/index.ts";
import { fingerprint, type Fingerprinted } from "../../worker/http/fingerprint.ts";

const request: Fingerprinted = {
  method: "POST",
  path: "/orders",
  query: "?a=1",
  contentType: "text/plain",
  recordKey: null,
  forwarded: [],
  body: encodeText("a body"),
};

/** All of them are told apart. */
async function expectAllDifferent(requests: readonly Fingerprinted[]): Promise<void> {
  const fingerprints = await Promise.all(requests.map(fingerprint));
  expect(new Set(fingerprints).size).toBe(requests.length);
}

test("the same request has the same fingerprint, in 64 hex digits, wherever its bytes are", async () => {
  const body = encodeText("not a body").subarray(4);
  expect(await fingerprint({ ...request, body })).toBe(await fingerprint(request));
  expect(await fingerprint(request)).toMatch(/^[0-9a-f]{64}$/);
});

test("of a request that is not compressed it is what earlier versions have stored", async () => {
  expect(await fingerprint(request)).toBe("da8c56fc6b858bf4bd11cbfb1714ae2b074bc9903d0837c8c281116feed40cc8");
});

test("each of its parts counts", async () => {
  await expectAllDifferent([
    request,
    { ...request, method: "PUT" },
    { ...request, path: "/orders/" },
    { ...request, query: "?a=2" },
    { ...request, query: "" },
    { ...request, contentType: "text/html" },
    { ...request, contentEncoding: "https://hooks.example.com/" },
    { ...request, callbackUrl: "https://hooks.example.com/" },
    { ...request, callbackUrl: "https://hooks.example.com/other" },
    { ...request, contentType: "" },
    { ...request, contentType: null },
    { ...request, contentType: "null" },
    { ...request, contentEncoding: "gzip" },
    { ...request, contentEncoding: "br" },
    { ...request, recordKey: "null" },
    { ...request, forwarded: [["x-user", "anna"]] },
    { ...request, forwarded: [["x-user", "bert"]] },
    { ...request, body: encodeText("a body ") },
    { ...request, body: encodeText("A body") },
    { ...request, body: new Uint8Array() },
    { ...request, body: new Uint8Array(1) },
    { ...request, body: new Uint8Array(2) },
  ]);
});

test("what ends one part never begins the next", async () => {
  const empty = {
    method: "",
    path: "",
    query: "",
    contentType: "",
    recordKey: "",
    forwarded: [],
    body: new Uint8Array(),
  };
  await expectAllDifferent([
    { ...empty, method: "a" },
    { ...empty, path: "a" },
    { ...empty, query: "a" },
    { ...empty, contentType: "a" },
    { ...empty, body: encodeText("a") },
    { ...empty, method: "a", path: "b" },
    { ...empty, method: "ab" },
    { ...empty, method: 'a","b' },
    { ...empty, path: "/a?b" },
    { ...empty, path: "/a", query: "?b" },
    { ...empty, contentType: "x", body: encodeText("0]") },
    { ...empty, contentType: 'x",2]', body: new Uint8Array() },
  ]);
});

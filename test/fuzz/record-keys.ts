// Record keys out of any JSON, path and query.

import * as fc from "fast-check";
import { encodeText } from "../../protocol/index.ts";
import { readRecordKey } from "../../worker/http/record-key.ts";
import type { Property } from "../support/fuzz-seed.ts";
import { bytes, holds, text } from "./words.ts";
import { headersOf } from "./headers.ts";

const escapedToken = (token: string): string => token.replaceAll("~", "~0").replaceAll("/", "~1");
const jsonWithPath = fc
  .tuple(fc.array(text, { minLength: 1, maxLength: 4 }), fc.jsonValue())
  .map(([path, leaf]) => ({
    pointer: path.map((token) => `/${escapedToken(token)}`).join(""),
    leaf,
    json: path.reduceRight<unknown>((value, token) => Object.fromEntries([[token, value]]), leaf),
  }));
const inputsWith = (body: Uint8Array) => ({
  pathParameter: () => undefined,
  query: new URLSearchParams(),
  headers: headersOf({}),
  body,
});

export const recordKeys: readonly Property[] = [
  holds(
    "a pointer into any JSON finds what is there, if it is text or a number",
    jsonWithPath,
    ({ pointer, leaf, json }) => {
      const read = readRecordKey({ body: pointer }, inputsWith(encodeText(JSON.stringify(json))));
      const wanted = typeof leaf === "number" ? String(leaf) : leaf;
      return typeof wanted === "string" && wanted !== "" && wanted.isWellFormed()
        ? read.ok && read.key === wanted
        : !read.ok;
    },
  ),
  holds(
    "a pointer into any bytes finds a key or says what is missing",
    fc.tuple(bytes, text),
    ([body, token]) => {
      const read = readRecordKey({ body: `/${escapedToken(token)}` }, inputsWith(body));
      return read.ok ? read.key !== "" : read.missing !== "";
    },
  ),
  holds(
    "a pointer finds nothing that nobody sent",
    fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "length", "name"),
    (name) =>
      ["", "/name", "/length"].every(
        (rest) => !readRecordKey({ body: `/${name}${rest}` }, inputsWith(encodeText("{}"))).ok,
      ),
  ),
];

// Takes the record key of a request out of its path, query, headers or body. Parsing only.

import { decodeText } from "../../protocol/index.ts";
import type { RecordKeySource } from "../config.ts";

export interface KeyInputs {
  readonly pathParameter: (name: string) => string | undefined;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** The key, or what is missing for one, in words for the client. */
export type RecordKeyResult =
  { readonly ok: true; readonly key: string } | { readonly ok: false; readonly missing: string };

export function readRecordKey(source: RecordKeySource, inputs: KeyInputs): RecordKeyResult {
  if ("path" in source) return found(inputs.pathParameter(source.path), `path parameter ${source.path}`);
  if ("query" in source) return found(inputs.query.get(source.query), `query parameter ${source.query}`);
  if ("header" in source) return found(inputs.headers.get(source.header), `header ${source.header}`);
  const place = `a string or number at ${source.body} of the JSON body`;
  const text = decodeText(inputs.body);
  if (text === undefined) return { ok: false, missing: place };
  try {
    const value = at(JSON.parse(text), source.body);
    return found(typeof value === "number" ? String(value) : value, place);
  } catch {
    return { ok: false, missing: place };
  }
}

/** Half a character has no bytes of its own: all keys with one would become the same. */
function found(value: unknown, missing: string): RecordKeyResult {
  const isKey = typeof value === "string" && value !== "" && value.isWellFormed();
  return isKey ? { ok: true, key: value } : { ok: false, missing };
}

/** RFC 6901; undefined when nothing is there. */
function at(json: unknown, pointer: string): unknown {
  let value = json;
  for (const token of pointer.slice(1).split("/")) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    // Own properties only: "/constructor" must not find what every object inherits.
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

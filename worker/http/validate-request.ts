// A request against the schemas of its service: everything that is wrong with body, query and path, at once. Values are
// checked and not changed; the record has the client's own bytes.

import {
  decodeText,
  jsonPointer,
  validate,
  type RequestProblem,
  type SchemaIssue,
  type StandardSchemaV1,
} from "../../protocol/index.ts";
import type { Schemas } from "../config.ts";

export interface Checked {
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly query: URLSearchParams;
  readonly pathParameters: Readonly<Record<string, string>>;
}

export type RequestVerdict =
  | { readonly status: "valid" }
  | { readonly status: "compressed" }
  /** In words for the client. */
  | { readonly status: "unreadable"; readonly why: string }
  | {
      readonly status: "invalid";
      readonly problems: readonly RequestProblem[];
      /** How many more there are. */
      readonly moreProblems: number;
    };

/** A body of a million wrong items would make an answer of many times its size. */
const maxProblems = 1_000;
/** In characters: some libraries repeat what they found, and names of members are the client's, too. */
const maxMessageLength = 500;
/** Schemas and libraries walk a body by recursion; no document of use is as deep. */
const maxDepth = 200;

/** Rejects with what a schema throws. */
export async function validateRequest(schemas: Schemas, checked: Checked): Promise<RequestVerdict> {
  const body = schemas.body === undefined ? undefined : readJson(checked);
  if (body !== undefined && body.status !== "read") return body;
  const [inBody, inQuery, inPath] = await Promise.all([
    issuesOf(schemas.body, body?.value),
    issuesOf(schemas.query, valuesByName(checked.query)),
    issuesOf(schemas.path, checked.pathParameters),
  ]);
  const count = inBody.length + inQuery.length + inPath.length;
  if (count === 0) return { status: "valid" };
  const problems = [
    ...problemsIn("path", inPath),
    ...problemsIn("query", inQuery),
    ...problemsIn("body", inBody),
  ].slice(0, maxProblems);
  return { status: "invalid", problems, moreProblems: count - problems.length };
}

/** Without the coding that is none. */
export function isCompressed(contentEncoding: string | null | undefined): boolean {
  return !["", "identity"].includes((contentEncoding ?? "").trim().toLowerCase());
}

function readJson({
  headers,
  body,
}: Checked):
  | { readonly status: "read"; readonly value: unknown }
  | Extract<RequestVerdict, { status: "compressed" | "unreadable" }> {
  if (isCompressed(headers.get("Content-Encoding"))) return { status: "compressed" };
  const text = decodeText(body);
  if (text === undefined) return { status: "unreadable", why: "the request body is not UTF-8" };
  if (isDeeperThan(maxDepth, text)) {
    return { status: "unreadable", why: `the request body is nested deeper than ${maxDepth} levels` };
  }
  try {
    return { status: "read", value: JSON.parse(text) as unknown };
  } catch {
    return { status: "unreadable", why: "the request body is not JSON" };
  }
}

/** Counts the brackets outside of strings, in one pass; what is no JSON may be counted wrong. */
function isDeeperThan(most: number, text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (inString && character === "\\") at++;
    else if (character === '"') inString = !inString;
    else if (inString) continue;
    else if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    if (depth > most) return true;
  }
  return false;
}

async function issuesOf(
  schema: StandardSchemaV1 | undefined,
  value: unknown,
): Promise<readonly SchemaIssue[]> {
  if (schema === undefined) return [];
  const validated = await validate(schema, value);
  return validated.ok ? [] : validated.issues;
}

/** A parameter that is repeated is an array. */
function valuesByName(query: URLSearchParams): Record<string, string | readonly string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of query) {
    const same = values.get(name);
    if (same === undefined) values.set(name, [value]);
    else same.push(value);
  }
  // Own members, whatever their names are.
  return Object.fromEntries(
    Array.from(values, ([name, [first = "", ...more]]) => [
      name,
      more.length === 0 ? first : [first, ...more],
    ]),
  );
}

function problemsIn(place: RequestProblem["in"], issues: readonly SchemaIssue[]): RequestProblem[] {
  return issues.slice(0, maxProblems).map(({ path, message }) => ({
    in: place,
    path: cut(jsonPointer(path)),
    message: cut(message),
  }));
}

function cut(text: string): string {
  return text.length > maxMessageLength ? `${text.slice(0, maxMessageLength)}…` : text;
}

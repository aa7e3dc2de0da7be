// Values against a schema of any library that speaks Standard Schema (https://standardschema.dev). What is checked, and
// what becomes of it, is the business of the gateway and of the responder kit.

import type { StandardSchemaV1 } from "@standard-schema/spec";

export type { StandardSchemaV1 };

export type Validated<Output> =
  | { readonly ok: true; readonly value: Output }
  | { readonly ok: false; readonly issues: readonly SchemaIssue[] };

/** `path`: the names and indexes that lead to what is wrong; empty for the value as a whole. */
export interface SchemaIssue {
  readonly path: readonly string[];
  readonly message: string;
}

/** Rejects with what the schema throws: a schema says what is wrong with a value, and fails over none. */
export async function validate<Output>(
  schema: StandardSchemaV1<unknown, Output>,
  value: unknown,
): Promise<Validated<Output>> {
  const result = await resultOf(schema, value);
  if (result.issues === undefined) return { ok: true, value: result.value };
  return {
    ok: false,
    issues: result.issues.map(({ path = [], message }) => ({
      path: path.map((each) => String(typeof each === "object" ? each.key : each)),
      message,
    })),
  };
}

/** What is thrown is an Error: anything else would pass those who look for errors. */
async function resultOf<Output>(schema: StandardSchemaV1<unknown, Output>, value: unknown) {
  try {
    return await schema["~standard"].validate(value);
  } catch (cause) {
    throw cause instanceof Error ? cause : new Error("a schema threw what is no Error", { cause });
  }
}

/** RFC 6901. */
export function jsonPointer(path: readonly string[]): string {
  return path.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** Whether this can be asked to validate something; some libraries make functions. */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  const standard: unknown = (value as { readonly "~standard"?: unknown })["~standard"];
  return typeof standard === "object" && standard !== null && "validate" in standard && "vendor" in standard;
}

// Bodies against the schema of a responder, by any library that speaks Standard Schema (https://standardschema.dev).

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { encodeText, problems, problemType, type Problem, type Reply } from "../protocol/index.ts";

export type { StandardSchemaV1 };

export type Validated<Input> =
  { readonly ok: true; readonly input: Input } | { readonly ok: false; readonly issues: readonly Issue[] };

/** `path`: to the member that is wrong, with dots between; empty for the body as a whole. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

export async function validate<Input>(
  schema: StandardSchemaV1<unknown, Input>,
  body: unknown,
): Promise<Validated<Input>> {
  const result = await schema["~standard"].validate(body);
  if (result.issues === undefined) return { ok: true, input: result.value };
  return {
    ok: false,
    issues: result.issues.map(({ path = [], message }) => ({
      path: path.map((each) => String(typeof each === "object" ? each.key : each)).join("."),
      message,
    })),
  };
}

/** Lists every issue, so that a client can mend them all at once. */
export function invalidReply(correlationId: string, issues: readonly Issue[]): Reply {
  const code = "body_invalid" as const;
  const problem: Problem & { readonly issues: readonly Issue[] } = {
    type: problemType(code),
    ...problems[code],
    code,
    correlationId,
    issues,
  };
  return {
    status: problem.status,
    error: code,
    contentType: "application/problem+json",
    body: encodeText(`${JSON.stringify(problem)}\n`),
  };
}

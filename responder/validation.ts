// What a client is told whose body breaks the schema of a responder.

import {
  encodeText,
  problems,
  problemType,
  type Problem,
  type Reply,
  type SchemaIssue,
} from "../protocol/index.ts";

/** Lists every issue, so that a client can mend them all at once; paths have dots between their names. */
export function invalidReply(correlationId: string, issues: readonly SchemaIssue[]): Reply {
  const code = "body_invalid" as const;
  const listed = issues.map(({ path, message }) => ({ path: path.join("."), message }));
  const problem: Problem & { readonly issues: typeof listed } = {
    type: problemType(code),
    ...problems[code],
    code,
    correlationId,
    issues: listed,
  };
  return {
    status: problem.status,
    error: code,
    contentType: "application/problem+json",
    body: encodeText(`${JSON.stringify(problem)}\n`),
  };
}

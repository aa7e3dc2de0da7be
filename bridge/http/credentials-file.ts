// The file of credentials: its shape, and what is wrong with a broken one, in words that name entry and field.

import { readFileSync } from "node:fs";
import * as v from "valibot";
import { isTopicPattern, type AccessLimits } from "./access.ts";
import { parsePasswordHash, type PasswordHash } from "./password-hash.ts";

export interface StoredCredential extends AccessLimits {
  readonly user: string;
  readonly password: PasswordHash;
}

/** Printable ASCII without a colon: what HTTP Basic and the SDK can carry. */
const userSchema = v.pipe(
  v.string("must be a string"),
  v.regex(/^[!-9;-~]{1,128}$/, "must be 1 to 128 printable ASCII characters without space or colon"),
);

const credentialSchema = v.strictObject({
  user: userSchema,
  password: v.pipe(
    v.string("must be a string"),
    v.check(
      (text) => parsePasswordHash(text) !== undefined,
      "must be a hash as `hearback-bridge credential` prints it, not the password itself",
    ),
  ),
  access: v.optional(
    v.picklist(["full", "produce", "consume"], 'must be "full", "produce" or "consume"'),
    "full",
  ),
  topics: v.optional(
    v.pipe(
      v.array(
        v.pipe(
          v.string("must be a string"),
          v.check(isTopicPattern, "must be a topic name, or a prefix with one * at its end"),
        ),
        "must be an array",
      ),
      v.minLength(1, "must name a topic; leave it out to allow all"),
    ),
  ),
});

/** An entry as it stands in the file. */
export type CredentialEntry = v.InferInput<typeof credentialSchema>;

/** Throws a RangeError with one line that names every entry and field that is wrong. */
export function parseCredentials(text: string): readonly StoredCredential[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new RangeError("it is not JSON");
  }
  if (!Array.isArray(json) || json.length === 0) throw new RangeError("it must be an array of credentials");
  const problems: string[] = [];
  const credentials: StoredCredential[] = [];
  const users = new Set<string>();
  for (const [index, entry] of json.entries()) {
    const parsed = v.safeParse(credentialSchema, entry);
    if (!parsed.success) {
      problems.push(...parsed.issues.map((issue) => `entry ${index + 1}${fieldOf(issue)} ${textOf(issue)}`));
      continue;
    }
    const { user, password, access, topics } = parsed.output;
    if (users.has(user)) problems.push(`entry ${index + 1}, user: "${user}" is there already`);
    users.add(user);
    const hash = parsePasswordHash(password);
    if (hash === undefined) throw new Error("a password hash that was valid a moment ago");
    credentials.push({ user, password: hash, access, ...(topics === undefined ? {} : { topics }) });
  }
  if (problems.length > 0) throw new RangeError(problems.join("; "));
  return credentials;
}

/** Throws with a message that begins with the file's name. */
export function readCredentialsFile(file: string): readonly StoredCredential[] {
  try {
    return parseCredentials(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new RangeError(`${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function fieldOf(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  return path === null ? ":" : `, ${path}:`;
}

/** Never the value itself: it may be a password. */
function textOf(issue: v.BaseIssue<unknown>): string {
  if (issue.type === "strict_object") {
    if (issue.expected === "never") return "is no field of a credential";
    return issue.received === "undefined" ? "is missing" : "must be an object";
  }
  return issue.message;
}

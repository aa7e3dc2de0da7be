// A reply against the schema of its service, at the moment when somebody is answered with it: also one that was stored
// long before. Error replies are the service's own words, and what is no JSON is not looked into.

import {
  decodeText,
  jsonPointer,
  logText,
  validate,
  type Reply,
  type SparseLog,
  type StandardSchemaV1,
} from "../../protocol/index.ts";
import type { Service } from "../config.ts";
import { respondProblem } from "./respond.ts";
import { isCompressed } from "./validate-request.ts";

/**
 * The answer that stands in for a reply that breaks the schema; undefined when the reply may be handed over. Only the
 * log is told why. Rejects with what the schema throws.
 */
export async function refuseInvalidReply(
  { name, validate: schemas }: Pick<Service, "name" | "validate">,
  reply: Reply,
  correlationId: string,
  log: SparseLog,
): Promise<Response | undefined> {
  const why = schemas?.reply === undefined ? undefined : await wrongWith(reply, schemas.reply);
  if (why === undefined) return undefined;
  const line = log.line(
    `a reply of service ${name} to ${correlationId} is not valid: ${logText(why)}`,
    Date.now(),
  );
  if (line !== undefined) console.error(line);
  return respondProblem("reply_invalid", correlationId);
}

/** In words for operators. */
async function wrongWith(reply: Reply, schema: StandardSchemaV1): Promise<string | undefined> {
  const { status, error, contentType, contentEncoding, body } = reply;
  if (status < 200 || status > 299 || error !== undefined || !isJson(contentType)) return undefined;
  // A schema that whoever compresses could evade would be worth nothing.
  if (isCompressed(contentEncoding)) return "it is compressed";
  const json = parsed(body);
  if (json === undefined) return "it is not JSON";
  const validated = await validate(schema, json.value);
  if (validated.ok) return undefined;
  const [first] = validated.issues;
  return `${validated.issues.length} problem(s), first at "${jsonPointer(first?.path ?? [])}": ${first?.message}`;
}

/** `application/json`, and whatever ends in `+json`. */
function isJson(contentType: string | undefined): boolean {
  return /^\s*[^\s;]+\/(?:[^\s;]+\+)?json\s*(?:;|$)/i.test(contentType ?? "");
}

function parsed(body: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(decodeText(body) ?? "") as unknown };
  } catch {
    return undefined;
  }
}

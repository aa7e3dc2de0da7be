// The key by which a client says that two requests are one: where it comes from and which text may be one.
// What a key does, and which exchange it belongs to, is decided elsewhere.

import { parseItem } from "structured-headers";
import { httpHeaders } from "../../protocol/index.ts";
import type { Service } from "../config.ts";

/** Keys of different sources are different keys, even with the same text. */
export type ClientKeySource = "idempotency-key" | "correlation-id";

export type ClientKeyResult =
  | { readonly status: "absent" }
  | { readonly status: "key"; readonly key: string; readonly source: ClientKeySource }
  | {
      readonly status: "unusable";
      readonly code: "idempotency_key_required" | "idempotency_key_invalid";
      /** In words for the client. */
      readonly why: string;
    };

const header = "Idempotency-Key";
const howToWrite = 'such as "8e03978e-40d5-43dd-bc93-6894a57f9324"';
const maxLength = 255;
/** Anonymous callers share one space of keys: a short one would soon be a stranger's, too. */
const minAnonymousLength = 16;

/** `anonymous`: nothing is known of the caller that would keep its keys apart from those of others. */
export function readClientKey(
  headers: Headers,
  { idempotencyKey, clientCorrelationIdAsKey }: Pick<Service, "idempotencyKey" | "clientCorrelationIdAsKey">,
  anonymous: boolean,
): ClientKeyResult {
  if (idempotencyKey === "ignored") return { status: "absent" };
  const sent = headers.get(header);
  if (sent !== null) {
    const key = readString(sent);
    // A bare word is refused, though many clients send one: guessing what it means would give one key two spellings.
    return key === undefined
      ? invalid(`${header} must be a quoted string, ${howToWrite}`)
      : checked(key, "idempotency-key", header, anonymous);
  }
  const clientCorrelationId = clientCorrelationIdAsKey ? headers.get(httpHeaders.correlationId) : null;
  if (clientCorrelationId !== null) {
    const name = `${httpHeaders.correlationId}, which is the key here,`;
    return checked(clientCorrelationId, "correlation-id", name, anonymous);
  }
  if (idempotencyKey === "optional") return { status: "absent" };
  const orElse = clientCorrelationIdAsKey ? `, or ${httpHeaders.correlationId}` : "";
  return {
    status: "unusable",
    code: "idempotency_key_required",
    why: `missing: ${header}, a quoted string ${howToWrite}${orElse}`,
  };
}

/** The String of an Item (RFC 9651), whatever parameters it has; undefined for anything else. */
function readString(field: string): string | undefined {
  try {
    const [value] = parseItem(field);
    return typeof value === "string" ? value : undefined;
  } catch {
    // The parser throws for what does not follow the grammar, and for nothing else.
    return undefined;
  }
}

function checked(key: string, source: ClientKeySource, name: string, anonymous: boolean): ClientKeyResult {
  if (key === "") return invalid(`${name} must not be empty`);
  if (key.length > maxLength) return invalid(`${name} must have at most ${maxLength} characters`);
  if (anonymous && key.length < minAnonymousLength) {
    return invalid(`${name} must have at least ${minAnonymousLength} characters from an anonymous caller`);
  }
  return { status: "key", key, source };
}

function invalid(why: string): ClientKeyResult {
  return { status: "unusable", code: "idempotency_key_invalid", why };
}

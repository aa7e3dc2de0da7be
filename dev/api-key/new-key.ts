// A new API key and its entry. It writes nothing: whoever calls it decides where the entry goes.

import { createHash, randomBytes } from "node:crypto";
import { parseApiKeys } from "../../worker/access/api-key-list.ts";
import type { ApiKeyOptions } from "./options.ts";

export interface NewApiKey {
  /** 256 random bits, behind a mark by which scanners for leaked secrets can know it. Kept nowhere. */
  readonly key: string;
  readonly entry: ApiKeyOptions & { readonly sha256: string };
}

/** Throws an Error in words for an entry that a list would be refused for. */
export function newApiKey({ principal, expires }: ApiKeyOptions): NewApiKey {
  const key = `hbk_${randomBytes(32).toString("base64url")}`;
  const sha256 = createHash("sha256").update(key).digest("hex");
  const entry = { principal, sha256, ...(expires === undefined ? {} : { expires }) };
  const list = parseApiKeys(JSON.stringify([entry]));
  if (!list.ok) throw new Error(list.problems.join("\n").replaceAll("entry 0: ", "--"));
  return { key, entry };
}

// `hearback-bridge credential`: makes one entry for the file of credentials. It writes no file: whoever calls it
// decides where the entry goes.

import { randomBytes } from "node:crypto";
import { parseCredentials, type CredentialEntry } from "./http/credentials-file.ts";
import { hashPassword } from "./http/password-hash.ts";
import type { CredentialSettings } from "./settings.ts";

export interface NewCredential {
  readonly entry: CredentialEntry;
  /** Present when it was made here: shown once and kept nowhere. */
  readonly generated?: string;
}

/** `given`: the password, or "" to have one made. Throws when the entry would be refused in a file. */
export async function makeCredential(
  { user, access, topics }: CredentialSettings,
  given: string,
): Promise<NewCredential> {
  const password = given === "" ? randomBytes(24).toString("base64url") : given;
  if (!/^[ -~]+$/.test(password)) throw new RangeError("a password has printable ASCII characters only");
  const entry: CredentialEntry = {
    user,
    password: await hashPassword(password),
    access,
    ...(topics === undefined ? {} : { topics: [...topics] }),
  };
  parseCredentials(JSON.stringify([entry]));
  return given === "" ? { entry, generated: password } : { entry };
}

/** What is piped in, without the end of its line; "" on a terminal. */
export async function readPassword(input: NodeJS.ReadStream): Promise<string> {
  if (input.isTTY) return "";
  let text = "";
  input.setEncoding("utf8");
  for await (const chunk of input) text += String(chunk);
  return text.replace(/\r?\n$/, "");
}

// HTTP Basic: whether a request brings the one user name and password. Who may use which topic is not decided.

import { Buffer } from "node:buffer";
import { hash, timingSafeEqual } from "node:crypto";

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** A check of `authorization` headers whose time says nothing about how much of a guess was right. */
export function createCredentialCheck({
  username,
  password,
}: Credentials): (authorization: string | undefined) => boolean {
  const expected = digest(Buffer.from(`${username}:${password}`));
  return (authorization = "") => {
    const [, token] = /^basic +(\S+)$/i.exec(authorization) ?? [];
    return token !== undefined && timingSafeEqual(digest(Buffer.from(token, "base64")), expected);
  };
}

/** Equal lengths, whatever was guessed: timingSafeEqual needs them. */
function digest(bytes: Buffer): Buffer {
  return hash("sha256", bytes, "buffer");
}

// Record keys as something to compare by, not to read.

import { Buffer } from "node:buffer";

/** One character for each byte. */
export function comparableKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}

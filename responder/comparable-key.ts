// Record keys as something to compare by, not to read.

/** Longer keys that begin alike are taken for one, which costs time but no order. */
const maxBytes = 1_024;

/** One character for each byte. */
export function comparableKey(key: Uint8Array): string {
  return String.fromCharCode(...key.subarray(0, maxBytes));
}

// Standard base64 with padding. The engine's own conversion where it has one (workerd does), Node's Buffer
// where there is one, the older pair of globals elsewhere. No streaming, no URL alphabet.

interface NativeBase64 {
  toBase64?(): string;
}
interface NativeBase64Constructor {
  fromBase64?(text: string): Uint8Array;
}

interface NodeBuffer {
  from(bytes: ArrayBufferLike, offset: number, length: number): { toString(encoding: "base64"): string };
}

const native = Uint8Array as unknown as NativeBase64Constructor;
const nodeBuffer = (globalThis as { readonly Buffer?: NodeBuffer }).Buffer;
// Function.prototype.apply takes its arguments on the stack; this many is safe in every engine.
const chunkLength = 0x2000;

export function toBase64(bytes: Uint8Array): string {
  const own = bytes as NativeBase64;
  if (own.toBase64 !== undefined) return own.toBase64();
  if (nodeBuffer !== undefined) {
    return nodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  }
  let binary = "";
  for (let at = 0; at < bytes.length; at += chunkLength) {
    binary += String.fromCharCode(...bytes.subarray(at, at + chunkLength));
  }
  return btoa(binary);
}

/** Undefined when `text` is not base64. */
export function fromBase64(text: string): Uint8Array | undefined {
  try {
    if (native.fromBase64 !== undefined) return native.fromBase64(text);
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

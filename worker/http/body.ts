// Reads a request body up to a limit and until an instant, and stops there: the rest of an oversized body is never
// read, and one that drips in holds nobody for ever.

export type BodyRead =
  | { readonly status: "read"; readonly body: Uint8Array }
  /** Larger than the limit. */
  | { readonly status: "too-large" }
  /** Not whole when its time was up. */
  | { readonly status: "too-slow" }
  /** The client, or what lies between, broke it off or framed it wrongly. */
  | { readonly status: "broken" };

/** `limit` is in bytes, `withinMs` the time it may take. */
export async function readBody(request: Request, limit: number, withinMs: number): Promise<BodyRead> {
  if (Number(request.headers.get("content-length") ?? 0) > limit) return { status: "too-large" };
  if (request.body === null) return { status: "read", body: new Uint8Array() };
  const reader = request.body.getReader();
  const { promise: timeout, resolve } = Promise.withResolvers<"too-slow">();
  const timer = setTimeout(() => resolve("too-slow"), withinMs);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const read = await Promise.race([reader.read(), timeout]);
      if (read === "too-slow") {
        giveUp(reader);
        return { status: "too-slow" };
      }
      if (read.done) return { status: "read", body: joined(chunks, length) };
      length += read.value.byteLength;
      if (length > limit) {
        giveUp(reader);
        return { status: "too-large" };
      }
      chunks.push(read.value);
    }
  } catch {
    // What is read here is the client's alone, and so is what goes wrong with it.
    return { status: "broken" };
  } finally {
    clearTimeout(timer);
  }
}

/** Not waited for: a client that sends nothing would hold up its own answer. */
function giveUp(reader: ReadableStreamDefaultReader<Uint8Array>): void {
  reader.cancel().catch(() => undefined);
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

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
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    // Ends the read that is under way.
    void reader.cancel().catch(() => undefined);
  }, withinMs);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) return { status: "too-slow" };
      if (done) return { status: "read", body: joined(chunks, length) };
      length += value.byteLength;
      if (length > limit) {
        void reader.cancel().catch(() => undefined);
        return { status: "too-large" };
      }
      chunks.push(value);
    }
  } catch {
    // What is read here is the client's alone, and so is what goes wrong with it.
    return { status: isLate ? "too-slow" : "broken" };
  } finally {
    clearTimeout(timer);
  }
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

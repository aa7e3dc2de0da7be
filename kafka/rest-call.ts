// One HTTP call to a Kafka REST peer, of which nothing is taken for granted: it ends in its time, follows no redirect,
// reads no more than an answer can be long, and leaves no connection behind. What the JSON means is for others to say.

export interface RestCall {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the call, wherever it is. */
  readonly signal: AbortSignal;
  /** Of the answer, when nothing is compressed any more. */
  readonly maxBytes: number;
}

export type RestAnswer =
  | { readonly status: "answered"; readonly json: unknown; readonly headers: Headers }
  /** An HTTP status other than 2xx. `error`: what the bridge says is wrong; undefined where something else has answered. */
  | { readonly status: "failed"; readonly code: number; readonly error: string | undefined }
  /** No answer, or none that can be read: whether the call was carried out, nobody knows. */
  | { readonly status: "lost"; readonly cause: unknown };

const mib = 1024 * 1024;

/**
 * Longest answers. Records are 4 MiB, or one, and in JSON at most eight times as much; a large cluster's topics
 * are some 10,000 names, and so are the places of a drain that reads ten topics with 1,000 partitions each.
 */
export const maxAnswerBytes = { records: 32 * mib, offsets: 8 * mib, topics: 8 * mib, others: mib } as const;

/** Of an answer that is no success; enough for the bridge's own words. */
const maxErrorBytes = 4_096;

/** Never rejects. */
export async function callRest(url: string, call: RestCall): Promise<RestAnswer> {
  try {
    return await Promise.race([answerTo(url, call), aborted(call.signal)]);
  } catch (cause) {
    return { status: "lost", cause };
  }
}

async function answerTo(
  url: string,
  { method, headers, body, signal, maxBytes }: RestCall,
): Promise<RestAnswer> {
  const response = await fetch(url, {
    method,
    headers,
    signal,
    // Credentials and records are for the bridge alone, whoever answers in its place.
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
  });
  const { status: code, ok } = response;
  if (!ok) return { status: "failed", code, error: await errorIn(response, signal) };
  const json: unknown = JSON.parse(await textOf(response, maxBytes, signal));
  return { status: "answered", json, headers: response.headers };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
  });
}

/** Throws when the text is longer, or is no UTF-8. */
async function textOf({ body }: Response, maxBytes: number, signal: AbortSignal): Promise<string> {
  if (body === null) return "";
  const reader = body.getReader();
  const end = (): void => void reader.cancel().catch(() => {});
  // Not every runtime ends a body by the signal of its request.
  signal.addEventListener("abort", end, { once: true });
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    let text = "";
    let bytes = 0;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return text + decoder.decode();
      bytes += value.byteLength;
      if (bytes > maxBytes) throw new RangeError(`the answer is longer than ${maxBytes} bytes`);
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    signal.removeEventListener("abort", end);
    // Of no effect on one that was read to its end.
    end();
  }
}

async function errorIn(response: Response, signal: AbortSignal): Promise<string | undefined> {
  try {
    const said: unknown = JSON.parse(await textOf(response, maxErrorBytes, signal));
    const error: unknown = said !== null && typeof said === "object" && "error" in said ? said.error : null;
    return typeof error === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}

/** In words, for a log. */
export function failureOf({ code, error }: Extract<RestAnswer, { status: "failed" }>): string {
  const what = `the bridge answers ${code}`;
  return error === undefined ? what : `${what}: ${error}`;
}

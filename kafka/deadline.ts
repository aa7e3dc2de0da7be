// A deadline around a call that cannot be aborted. The call goes on in the background; its late
// result or failure is dropped.

export type Settled<T> =
  | { readonly status: "done"; readonly value: T }
  | { readonly status: "failed"; readonly cause: unknown }
  | { readonly status: "late" };

/** Waits at most `timeoutMs` ms. Never rejects. */
export function withDeadline<T>(call: Promise<T>, timeoutMs: number): Promise<Settled<T>> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ status: "late" }), timeoutMs);
    call.then(
      (value) => {
        clearTimeout(timer);
        resolve({ status: "done", value });
      },
      (cause: unknown) => {
        clearTimeout(timer);
        resolve({ status: "failed", cause });
      },
    );
  });
}

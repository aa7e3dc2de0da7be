// A hold on the SDK's hidden repeats. It turns a body into JSON anew for each attempt and takes an error there
// for a failed one, so a body can tell that an attempt has failed and keep later ones from being sent.

export interface Attempts<Body extends object> {
  /** What to give to the SDK in place of the body. */
  readonly body: Body;
  /** Resolves when the SDK is about to send once more: the attempt before has failed. */
  readonly failed: Promise<void>;
}

/** The first attempt is sent in any case, later ones only before `until` (epoch ms). */
export function limitAttempts<Body extends object>(
  body: Body,
  until: number,
  now: () => number = Date.now,
): Attempts<Body> {
  const { promise: failed, resolve } = Promise.withResolvers<void>();
  let sent = 0;
  const limited = Array.isArray(body) ? [...(body as unknown[])] : { ...body };
  Object.assign(limited, {
    toJSON(): unknown {
      if (sent++ === 0) return body;
      resolve();
      if (now() >= until) throw new Error("too late to be sent again");
      return body;
    },
  });
  return { body: limited as Body, failed };
}

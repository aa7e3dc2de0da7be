// What this machine's clock makes of instants that another clock has stamped: how long a handler has, and whether the two
// are so far apart that an operator should know. Decisions only.

import type { ReplyAddress } from "../protocol/index.ts";

/**
 * Epoch ms by this clock at which a handler should end; undefined: never. From when its request was read it has as long
 * as a request has in all, which is right whichever way the clocks differ; but no more than `clockSkewMs` behind the
 * deadline, however long the request has waited.
 */
export function endOfHandling(
  { createdAt, deadlineAt }: Pick<ReplyAddress, "createdAt" | "deadlineAt">,
  receivedAt: number,
  clockSkewMs: number,
): number | undefined {
  if (deadlineAt === undefined || createdAt === undefined || createdAt >= deadlineAt) return deadlineAt;
  return Math.min(deadlineAt + clockSkewMs, receivedAt + (deadlineAt - createdAt));
}

/** So far in the future, in ms, a request comes from another clock; less is within what clocks that are kept differ. */
const noticeableMs = 1_000;
/** Expired requests are skipped faster than they can come: if all are for so long, it is no queue that made them late. */
const onlyExpiredForMs = 10_000;
const onlyExpired = 3;
const tellEveryMs = 60_000;

/** `tell`: once a minute of each kind at most. Instants are epoch ms by this clock, if not said otherwise. */
export class ClockWatch {
  readonly #tell: (message: string) => void;
  #toldOfFutureAt = -Infinity;
  #toldOfExpiredAt = -Infinity;
  /** Since something was last read that had not expired. */
  #expired: { readonly since: number; count: number; leastLateMs: number } | undefined;

  constructor(tell: (message: string) => void) {
    this.#tell = tell;
  }

  /** A request was read. `createdAt` and `deadlineAt` are by the gateway's clock. */
  read({ createdAt }: Pick<ReplyAddress, "createdAt">, now: number): void {
    const aheadMs = (createdAt ?? now) - now;
    if (aheadMs <= noticeableMs || now - this.#toldOfFutureAt < tellEveryMs) return;
    this.#toldOfFutureAt = now;
    this.#tell(
      `requests come from ${aheadMs} ms in the future: this clock is behind, or that of whoever asks is ahead`,
    );
  }

  /** A request is taken up. */
  taken(): void {
    this.#expired = undefined;
  }

  /** A request had expired so many ms ago, and is skipped. */
  skipped(lateMs: number, now: number): void {
    this.#expired ??= { since: now, count: 0, leastLateMs: lateMs };
    const expired = this.#expired;
    expired.count++;
    expired.leastLateMs = Math.min(expired.leastLateMs, lateMs);
    const lasted = now - expired.since;
    if (expired.count < onlyExpired || lasted < onlyExpiredForMs) return;
    if (now - this.#toldOfExpiredAt < tellEveryMs) return;
    this.#toldOfExpiredAt = now;
    this.#tell(
      `all ${expired.count} requests of the last ${Math.round(lasted / 1_000)} s had expired, ${expired.leastLateMs} ms ago or more: ` +
        "they come too late, or this clock is ahead of that of whoever asks",
    );
  }
}

// Preloaded into a process (`node --import`): its clock is wrong by CLOCK_AHEAD_MS. Timers run as ever.

const RealDate = Date;
const aheadMs = Number(process.env["CLOCK_AHEAD_MS"] ?? 0);

class ShiftedDate extends RealDate {
  constructor(...instant: ConstructorParameters<DateConstructor> | []) {
    if (instant.length === 0) super(RealDate.now() + aheadMs);
    else super(...instant);
  }

  static override now(): number {
    return RealDate.now() + aheadMs;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;

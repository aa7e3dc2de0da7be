// The one alarm that an object has. This module alone decides when it rings; whoever wants to be woken adds a fact
// here. What is due when it rings is for the waiter to do.

/** All that may want the alarm. Instants are epoch ms; absent: nothing to be woken for. */
export interface AlarmFacts {
  /** The deadline of the wait that parked callers are in: they hold no timer, so that the object may hibernate. */
  readonly parkedUntil?: number;
  /** The retention of a stored exchange. */
  readonly keepUntil?: number;
}

/** When the alarm is to ring; undefined: never. */
export function nextAlarm({ parkedUntil, keepUntil }: AlarmFacts): number | undefined {
  const instants = [parkedUntil, keepUntil].filter((at) => at !== undefined);
  return instants.length === 0 ? undefined : Math.min(...instants);
}

/** Each change of an alarm is a row written, so none is made that changes nothing. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  /** As far as this instance knows; what it found set is "unknown". */
  #at: number | undefined | "unknown";

  /** `mayBeSet`: an earlier instance may have set it. */
  constructor(storage: DurableObjectStorage, mayBeSet: boolean) {
    this.#storage = storage;
    this.#at = mayBeSet ? "unknown" : undefined;
  }

  /** Whether an earlier instance may have set it, and nobody has said since what it should be. */
  get isUnknown(): boolean {
    return this.#at === "unknown";
  }

  /** It may be set by an earlier instance after all. */
  mayBeSet(): void {
    this.#at ??= "unknown";
  }

  /** It rang: the platform has taken it down. */
  rang(): void {
    this.#at = undefined;
  }

  /**
   * Not awaited: an alarm belongs to the writes of the turn it is set in. `isStored`: rows depend on it. Without rows
   * nothing waits for the disk: an alarm that is lost in a crash had callers who are lost with it.
   */
  keep(facts: AlarmFacts, isStored: boolean): void {
    const at = nextAlarm(facts);
    if (at === this.#at) return;
    this.#at = at;
    const options = { allowUnconfirmed: !isStored };
    void (at === undefined ? this.#storage.deleteAlarm(options) : this.#storage.setAlarm(at, options));
  }
}

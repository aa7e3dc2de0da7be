// The one alarm that an object has. This module alone decides when it rings; whoever wants to be woken adds a fact
// here. What is due when it rings is for the waiter to do.

/** All that may want the alarm. Instants are epoch ms; absent: nothing to be woken for. */
export interface AlarmFacts {
  /** The deadline of the wait that parked callers are in: they hold no timer, so that the object may hibernate. */
  readonly parkedUntil?: number;
  /** The retention of a stored exchange. */
  readonly keepUntil?: number;
  /** The next thing to do for the callback of a stored exchange. */
  readonly callbackAt?: number;
}

/** When the alarm is to ring; undefined: never. */
export function nextAlarm({ parkedUntil, keepUntil, callbackAt }: AlarmFacts): number | undefined {
  const instants = [parkedUntil, keepUntil, callbackAt].filter((at) => at !== undefined);
  return instants.length === 0 ? undefined : Math.min(...instants);
}

/**
 * Each change of an alarm is a row written, so none is made that changes nothing. Nor is one that an earlier instance
 * set asked for: whatever it left, it left an alarm that rings in time, and then all is decided anew.
 */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  /** `by`: set by an earlier instance, and rings then at the latest. `rang`: and was not looked at since. */
  #at: number | { readonly by: number } | "rang" | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Whether an earlier instance set it, and nothing has changed it since. */
  get isInherited(): boolean {
    return typeof this.#at === "object";
  }

  /**
   * Something is found that an earlier instance set the alarm for, for that instant or an earlier one. Not once it rang:
   * it may have rung for callers who were lost with that instance, and then nothing would remove what it left.
   */
  inherit(by: number): void {
    if (typeof this.#at === "number" || this.#at === "rang") return;
    this.#at = { by: Math.min(by, this.#at?.by ?? by) };
  }

  /** It rang: the platform has taken it down. */
  rang(): void {
    this.#at = "rang";
  }

  /** It went with everything else that was stored. */
  gone(): void {
    this.#at = undefined;
  }

  /** What was due could not be done: it rings once more. */
  async again(at: number): Promise<void> {
    this.#at = at;
    await this.#storage.setAlarm(at);
  }

  /**
   * Not awaited: an alarm belongs to the writes of the turn it is set in. `isStored`: rows depend on it. Without rows
   * nothing waits for the disk: an alarm that is lost in a crash had callers who are lost with it.
   */
  keep(facts: AlarmFacts, isStored: boolean): void {
    const before = this.#at;
    const at = nextAlarm(facts);
    if (at === before) return;
    if (at !== undefined && typeof before === "object" && at >= before.by) return;
    this.#at = at;
    const options = { allowUnconfirmed: !isStored };
    if (at !== undefined) void this.#storage.setAlarm(at, options);
    else if (this.#isEmpty()) void this.#storage.deleteAll();
    else if (before !== "rang") void this.#storage.deleteAlarm(options);
  }

  /**
   * Then everything goes: an object that once had an alarm has a database, some KiB of which stay, and are paid for,
   * until all is deleted. Looked at in storage itself, which may have rows of a version that nobody here can read. The
   * platform has no unconfirmed form of it, but who was parked has been told before.
   */
  #isEmpty(): boolean {
    return [...this.#storage.kv.list({ limit: 1 })].length === 0;
  }
}

// How many requests may be under way at once, in all and of one caller, and who has a place. Plain counting; it knows
// neither HTTP nor what a request waits for.

export interface BulkheadLimits {
  /** Places. */
  readonly capacity: number;
  /** Of one caller; undefined: as many as there are. */
  readonly perCaller: number | undefined;
  /** How long a request can be under way, in ms: a place that is held for longer was not given back. */
  readonly longestMs: number;
}

export type Entering =
  | { readonly status: "entered"; readonly leave: () => void }
  | { readonly status: "full" }
  | { readonly status: "caller-full" };

interface Place {
  readonly caller: string;
  readonly joins: boolean;
  readonly until: number;
}

/** Looking for places that were not given back takes a step for each, so it is not done for every one who is refused. */
const sweepEveryMs = 1_000;

export class Bulkhead {
  readonly #limits: BulkheadLimits;
  readonly #places = new Set<Place>();
  readonly #byCaller = new Map<string, number>();
  #joined = 0;
  #sweptAt = 0;

  constructor(limits: BulkheadLimits) {
    this.#limits = limits;
  }

  get underWay(): number {
    return this.#places.size;
  }

  get isFull(): boolean {
    return this.#isTaken(false);
  }

  /**
   * `joins`: it comes for something that was admitted already. There are as many places again for these alone, so that
   * they find one when all others are taken, take none from those, and are bounded all the same.
   */
  enter(caller: string, now: number, { joins = false }: { readonly joins?: boolean } = {}): Entering {
    const refusal = this.#refusal(caller, joins);
    if (refusal !== undefined && !(this.#sweep(now) && this.#refusal(caller, joins) === undefined)) {
      return { status: refusal };
    }
    const place: Place = { caller, joins, until: now + this.#limits.longestMs };
    this.#places.add(place);
    if (joins) this.#joined++;
    this.#byCaller.set(caller, (this.#byCaller.get(caller) ?? 0) + 1);
    return { status: "entered", leave: () => this.#free(place) };
  }

  #refusal(caller: string, joins: boolean): "full" | "caller-full" | undefined {
    const { perCaller } = this.#limits;
    if (perCaller !== undefined && (this.#byCaller.get(caller) ?? 0) >= perCaller) return "caller-full";
    return this.#isTaken(joins) ? "full" : undefined;
  }

  #isTaken(joins: boolean): boolean {
    const taken = joins ? this.#joined : this.#places.size - this.#joined;
    return taken >= this.#limits.capacity;
  }

  /** The platform may end a request without a word. True if it looked. */
  #sweep(now: number): boolean {
    if (now - this.#sweptAt < sweepEveryMs) return false;
    this.#sweptAt = now;
    for (const place of this.#places) if (place.until <= now) this.#free(place);
    return true;
  }

  /** A second time it does nothing. */
  #free(place: Place): void {
    if (!this.#places.delete(place)) return;
    if (place.joins) this.#joined--;
    const left = (this.#byCaller.get(place.caller) ?? 1) - 1;
    if (left > 0) this.#byCaller.set(place.caller, left);
    else this.#byCaller.delete(place.caller);
  }
}

// Whether two kinds of calls take different times, as somebody would find out who wants to guess a secret by it:
// interleaved tries, without the slowest, and Welch's t between the kinds.

/** Beyond it two kinds count as told apart (dudect's threshold): by chance less than once in 100,000. */
export const toldApart = 4.5;

/** Of the tries so much is looked at: the slowest are the machine's doing, and hide what the call does. */
const keptShare = 0.9;

/** Makes the try of this number; resolves with its time in ms. */
export type Try = (at: number) => Promise<number>;

/** Times of each kind. In each round every kind has its turn, in a random order: a drift of the machine meets all. */
export async function interleave(rounds: number, kinds: readonly Try[]): Promise<readonly number[][]> {
  const times = kinds.map((): number[] => []);
  for (let at = 0; at < rounds; at++) {
    const order = kinds.map((_, kind) => ({ kind, place: Math.random() }));
    for (const { kind } of order.toSorted((one, other) => one.place - other.place)) {
      times[kind]?.push((await kinds[kind]?.(at)) ?? Number.NaN);
    }
  }
  return times;
}

export interface Comparison {
  /** Welch's t: how many standard errors the means lie apart. */
  readonly t: number;
  /** Of the means, b less a, in ms. */
  readonly difference: number;
  /** The least difference of the means that would have been told apart, in ms. */
  readonly wouldSee: number;
}

/** Both are cut at the same time, so that neither is made to look faster. */
export function compareTimes(a: readonly number[], b: readonly number[]): Comparison {
  const pooled = [...a, ...b].toSorted((one, other) => one - other);
  const limit = pooled[Math.floor(pooled.length * keptShare)] ?? Infinity;
  const x = momentsOf(a.filter((time) => time < limit));
  const y = momentsOf(b.filter((time) => time < limit));
  const difference = y.mean - x.mean;
  const error = Math.sqrt(x.variance / x.count + y.variance / y.count);
  return { t: difference / error, difference, wouldSee: toldApart * error };
}

export function medianOf(times: readonly number[]): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? Number.NaN;
}

function momentsOf(values: readonly number[]) {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  return { count, mean, variance };
}

// Whether two kinds of calls take different times, as somebody would find out who wants to guess a secret by it:
// interleaved tries, without the slowest, and Welch's t between the kinds.

/** Beyond it two kinds count as told apart (dudect's threshold): by chance less than once in 100,000. */
export const toldApart = 4.5;

/** Of the tries so much is looked at: the slowest are the machine's doing, and hide what the call does. */
const keptShare = 0.9;

/** In ms. */
export interface Times {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/** Each kind is tried so often, in pairs in a random order, so that a drift of the machine meets both. */
export async function interleave(
  tries: number,
  a: (at: number) => Promise<number>,
  b: (at: number) => Promise<number>,
): Promise<Times> {
  const times = { a: [] as number[], b: [] as number[] };
  for (let at = 0; at < tries; at++) {
    const order = Math.random() < 0.5 ? (["a", "b"] as const) : (["b", "a"] as const);
    for (const kind of order) times[kind].push(await (kind === "a" ? a(at) : b(at)));
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
export function compareTimes({ a, b }: Times): Comparison {
  const pooled = [...a, ...b].toSorted((one, other) => one - other);
  const limit = pooled[Math.floor(pooled.length * keptShare)] ?? Infinity;
  const [x, y] = [a, b].map((times) => momentsOf(times.filter((time) => time < limit))) as [Moments, Moments];
  const difference = y.mean - x.mean;
  const error = Math.sqrt(x.variance / x.count + y.variance / y.count);
  return { t: difference / error, difference, wouldSee: toldApart * error };
}

/** One kind against itself: what the noise alone gives. */
export function splitInTwo(times: readonly number[]): Times {
  return { a: times.filter((_, at) => at % 2 === 0), b: times.filter((_, at) => at % 2 === 1) };
}

interface Moments {
  readonly count: number;
  readonly mean: number;
  readonly variance: number;
}

function momentsOf(values: readonly number[]): Moments {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { count: values.length, mean, variance };
}

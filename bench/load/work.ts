// The work that is asked and done: a small dense network over vectors of 128 features. The responder answers with it,
// and the load program tells right answers from wrong ones by it. Both compute in the same way, to the last bit.

const featureCount = 128;
const hiddenCount = 64;
const vectorCount = 512;

/** Dense; weights by output, then by input. */
interface Layer {
  readonly inputs: number;
  readonly weights: Float64Array;
  readonly biases: Float64Array;
}

export interface Question {
  readonly body: Buffer;
  /** Whether this is the reply to it: the same JSON, whoever printed it. */
  readonly isRight: (answer: string) => boolean;
}

/** mulberry32: 32 bits of state, the same numbers everywhere, from 0 up to 1. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function layer(inputs: number, outputs: number, random: () => number): Layer {
  const scale = 2 / Math.sqrt(inputs);
  const draw = (): number => (random() - 0.5) * scale;
  return {
    inputs,
    weights: Float64Array.from({ length: inputs * outputs }, draw),
    biases: Float64Array.from({ length: outputs }, draw),
  };
}

const draw = randomNumbers(1);
/** Two hidden layers of 64, as the founding document's model has. */
const layers = [
  layer(featureCount, hiddenCount, draw),
  layer(hiddenCount, hiddenCount, draw),
  layer(hiddenCount, 1, draw),
] as const;

function apply({ inputs, weights, biases }: Layer, values: ArrayLike<number>, isLast: boolean): Float64Array {
  const outputs = new Float64Array(biases.length);
  for (let output = 0; output < outputs.length; output++) {
    let sum = biases[output] ?? 0;
    const from = output * inputs;
    for (let input = 0; input < inputs; input++) sum += (weights[from + input] ?? 0) * (values[input] ?? 0);
    outputs[output] = isLast || sum > 0 ? sum : 0;
  }
  return outputs;
}

/** Between 0 and 1. Throws a RangeError for anything but 128 features. */
export function predict(features: readonly number[]): number {
  if (features.length !== featureCount)
    throw new RangeError(`a vector has ${featureCount} features, not ${features.length}`);
  let values: ArrayLike<number> = features;
  layers.forEach((each, index) => {
    values = apply(each, values, index === layers.length - 1);
  });
  return 1 / (1 + Math.exp(-(values[0] ?? 0)));
}

/** The value of the reply record. Throws for a body that is no question. */
export function answerTo(body: string): string {
  const { id, features } = JSON.parse(body) as { readonly id: string; readonly features: readonly number[] };
  return JSON.stringify({ id, prediction: predict(features) });
}

interface Vector {
  /** Of the body, behind the ID. */
  readonly rest: string;
  readonly prediction: number;
}

let vectors: readonly Vector[] | undefined;

/** Printed once: a question costs the load program one string. */
function preparedVectors(): readonly Vector[] {
  const random = randomNumbers(2);
  vectors ??= Array.from({ length: vectorCount }, () => {
    const features = Array.from({ length: featureCount }, () => Number((random() * 2 - 1).toFixed(4)));
    return { rest: `","features":${JSON.stringify(features)}}`, prediction: predict(features) };
  });
  return vectors;
}

/** Questions whose IDs are `<run>-<n>`; a run is named once. */
export class Work {
  readonly #run: string;
  readonly #vectors = preparedVectors();
  #asked = 0;

  /** `run`: letters, digits and dashes. Throws a RangeError. */
  constructor(run: string) {
    if (!/^[A-Za-z0-9-]+$/.test(run)) throw new RangeError(`"${run}" is no name of a run`);
    this.#run = run;
  }

  question(): Question {
    const n = this.#asked++;
    const { rest, prediction } = this.#vectors[n % vectorCount] ?? { rest: "", prediction: Number.NaN };
    const id = `${this.#run}-${n}`;
    return {
      body: Buffer.from(`{"id":"${id}${rest}`),
      isRight: (answer) =>
        answer === `{"id":"${id}","prediction":${prediction}}` || isSameAnswer(answer, id, prediction),
    };
  }
}

function isSameAnswer(answer: string, id: string, prediction: number): boolean {
  try {
    const parsed = JSON.parse(answer) as { readonly id?: unknown; readonly prediction?: unknown } | null;
    return parsed?.id === id && parsed.prediction === prediction;
  } catch {
    return false;
  }
}

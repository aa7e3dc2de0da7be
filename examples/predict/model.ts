// The model of the example: the mean of the features. It stands in for whatever yours computes.

const modelId = "mean_v1";

export interface PredictRequest {
  readonly id: string;
  readonly features: readonly number[];
  /** Makes the model slow by this many ms, for demos and tests. */
  readonly delay_ms?: number;
}

export interface Prediction {
  readonly id: string;
  /** Rounded to three decimals. */
  readonly prediction: number;
  readonly model_id: string;
  /** Epoch ms. */
  readonly timestamp: number;
}

/** Undefined when `input` is not a request that the model understands. */
export function parsePredictRequest(input: unknown): PredictRequest | undefined {
  if (typeof input !== "object" || input === null) return undefined;
  const { id, features, delay_ms } = input as Partial<Record<keyof PredictRequest, unknown>>;
  if (typeof id !== "string" || !Array.isArray(features) || features.length === 0) return undefined;
  if (!features.every((feature): feature is number => Number.isFinite(feature))) return undefined;
  if (delay_ms === undefined) return { id, features };
  return typeof delay_ms === "number" && delay_ms >= 0 && delay_ms <= 60_000
    ? { id, features, delay_ms }
    : undefined;
}

export function predict({ id, features }: PredictRequest, now: number): Prediction {
  const mean = features.reduce((sum, feature) => sum + feature, 0) / features.length;
  return { id, prediction: Math.round(mean * 1_000) / 1_000, model_id: modelId, timestamp: now };
}

// What index.ts tells the node that it starts.

export interface Settings {
  readonly port: number;
  readonly brokers: string;
  /** Topics. */
  readonly requests: string;
  readonly replies: string;
  readonly cacheUrl: string;
  /** Of a request, and of an entry of the cache. */
  readonly timeoutMs: number;
  /** From an answer of the cache to the next question. */
  readonly pollMs: number;
}

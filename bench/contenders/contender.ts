// What every contender is to the bench: something that takes a body, and answers with the reply that a responder on
// the other side of Kafka gave. Which ones there are is in index.ts; how they are loaded is not their business.

export const contenderIds = [
  "floor",
  "hearback-memory",
  "hearback-disk",
  "nestjs",
  "spring",
  "kafka-hooks",
  "redis",
] as const;
export type ContenderId = (typeof contenderIds)[number];

/** The two topics that all contenders use, one after the other. */
export interface BenchTopics {
  readonly requests: string;
  readonly replies: string;
  /** Of either. */
  readonly partitions: number;
}

export interface Surroundings {
  /** Bootstrap servers of the broker. */
  readonly brokers: string;
  readonly topics: BenchTopics;
  /** For whatever it has to keep; empty, and gone afterwards. */
  readonly folder: string;
  /** Told what its processes complain of. */
  readonly onLine: (line: string) => void;
}

/** What came back. `status` is HTTP's; a contender without HTTP says 200 or 504. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Rejects when there was no answer at all. */
export type Ask = (body: Buffer) => Promise<Answer>;

/** Replies read, and what became of them: what a contender can say of its own books. */
export interface Ledger {
  readonly read: number;
  readonly verdicts: Readonly<Record<string, number>>;
  readonly inFlight: number;
}

export interface RunningContender {
  readonly ask: Ask;
  /** Its processes by what they are (`workerd`, `bridge`, `jvm`, …): their CPU and memory are its own. */
  readonly processes: ReadonlyMap<string, number>;
  readonly ledger?: () => Promise<Ledger>;
  /** Ends its processes and waits for them. */
  stop(): Promise<void>;
}

export interface Contender {
  readonly id: ContenderId;
  /** As tables and charts call it. */
  readonly title: string;
  /** What it is made of, by name: exact versions, for the report. Asked after `prepare`. */
  versions(): Promise<Readonly<Record<string, string>>>;
  /** Installs and builds what is not there yet. Rejects with a sentence that says what is missing. */
  prepare(onLine: (line: string) => void): Promise<void>;
  /** Resolves when it answers: its first request needs no more patience than the others. */
  start(surroundings: Surroundings): Promise<RunningContender>;
}

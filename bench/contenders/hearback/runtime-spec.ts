// What the process of a gateway is told, and what it says.

export interface RuntimeSpec {
  /** Of the script: no two gateways on one bridge have the same, or they would take each other's IDs for theirs. */
  readonly name: string;
  /** File of the bundled Worker. */
  readonly script: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Where waiters keep what they store. */
  readonly waiters: "memory" | "disk";
  /** Waiters in memory stay there, however long they are idle. */
  readonly keepsWaiters: boolean;
  /** Of everything that is stored on disk. */
  readonly folder: string;
  readonly inspector: boolean;
}

export interface RuntimeAddress {
  /** Of the Worker itself. */
  readonly url: string;
  /** Asked for, the Worker does what it does every minute. */
  readonly tickUrl: string;
  readonly workerd: readonly number[];
  readonly inspectorUrl?: string;
}

export const readyLine = "the gateway is ready";

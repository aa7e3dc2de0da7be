// Instants of exchanges, collected from the lines of several processes, and the steps between them. Pure.

export interface Mark {
  readonly step: string;
  /** Of the question. */
  readonly id: string;
  /** Epoch ms, in fractions. */
  readonly at: number;
}

export function markLine({ step, id, at }: Mark): string {
  return `mark ${step} ${id} ${at.toFixed(3)}`;
}

/** `process` is what the line begins with. Undefined for other lines. */
export function readMark(line: string): (Mark & { readonly process: string }) | undefined {
  const [, process, step, id, at] = /^(\w+): mark (\w+) ([\w-]+) ([\d.]+)$/.exec(line) ?? [];
  if (process === undefined || step === undefined || id === undefined) return undefined;
  return { process, step, id, at: Number(at) };
}

/** By question; of a mark that comes twice the first counts. */
export class Marks {
  readonly #byId = new Map<string, Map<string, number>>();

  /** `name`: process and step, as `bridge.sent`. */
  add(id: string, name: string, at: number): void {
    const ofId = this.#byId.get(id) ?? new Map<string, number>();
    this.#byId.set(id, ofId);
    if (!ofId.has(name)) ofId.set(name, at);
  }

  /** Ms of every exchange that has both. */
  between(from: string, to: string): readonly number[] {
    return [...this.#byId.values()].flatMap((marks) => {
      const [start, end] = [marks.get(from), marks.get(to)];
      return start === undefined || end === undefined ? [] : [end - start];
    });
  }
}

/** One exchange from its client's side and back; each begins where the one before ends. */
export const steps = [
  { from: "load.asked", to: "bridge.came", what: "HTTP to workerd, Worker, HTTP to the bridge" },
  { from: "bridge.came", to: "bridge.sent", what: "bridge: JSON, base64, produce ID, lane" },
  { from: "bridge.sent", to: "responder.read", what: "broker: append, and the responder's fetch" },
  { from: "responder.read", to: "responder.sent", what: "responder: kit and handler" },
  { from: "responder.sent", to: "bridge.read", what: "broker: append, and the bridge's fetch" },
  { from: "bridge.read", to: "bridge.polled", what: "bridge: ring, answer to the drain's poll" },
  { from: "bridge.polled", to: "load.answered", what: "drain, waiter, Worker, HTTP to the client" },
  { from: "load.asked", to: "load.answered", what: "all of it" },
] as const;

/** Beside the way of the exchange: nobody waits for these. */
export const asides = [
  { from: "bridge.sent", to: "bridge.acked", what: "produce to acknowledgement, bridge" },
  { from: "responder.sent", to: "responder.acked", what: "produce to acknowledgement, responder" },
] as const;

export interface Step {
  readonly what: string;
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
}

export function stepTimes(
  marks: Marks,
  wanted: readonly { readonly from: string; readonly to: string; readonly what: string }[],
): readonly Step[] {
  return wanted.map(({ from, to, what }) => {
    const sorted = marks.between(from, to).toSorted((one, other) => one - other);
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
    return { what, count: sorted.length, p50: at(0.5), p90: at(0.9) };
  });
}

// A CPU profile as time per stack, each frame with the part of the system that it belongs to. Pure.

import { intervalUs, type CallFrame, type CpuProfile } from "./inspector.ts";

export interface Frame {
  readonly name: string;
  readonly part: string;
}

export interface Stack {
  /** From the outermost call to the innermost. */
  readonly frames: readonly Frame[];
  readonly ms: number;
}

/** What V8 calls the time in which nothing ran. */
const idle = "(idle)";
/** And the one in which something ran that is no JavaScript, or nothing. */
const notJavaScript = "(program)";
const root = "(root)";
const longestSampleUs = 2 * intervalUs;

export const garbageCollection = "garbage collection";

/**
 * Without idle time and what is not JavaScript. Functions of the engine have no file: they belong to who calls them.
 * `partOf` tells to which part a file belongs.
 */
export function stacksOf(profile: CpuProfile, partOf: (frame: CallFrame) => string): readonly Stack[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  );
  const usOf = new Map<number, number>();
  profile.samples.forEach((id, at) => {
    // A sample stands for the time until the next one, unless the thread did not have a core meanwhile.
    const us = Math.min(Math.max(0, profile.timeDeltas[at + 1] ?? 0), longestSampleUs);
    usOf.set(id, (usOf.get(id) ?? 0) + us);
  });

  const framesOf = (id: number): Frame[] => {
    const node = nodes.get(id);
    const parent = parents.get(id);
    const before = parent === undefined ? [] : framesOf(parent);
    if (node === undefined || node.callFrame.functionName === root) return before;
    const { functionName, url } = node.callFrame;
    if (functionName === "(garbage collector)") return [{ name: functionName, part: garbageCollection }];
    const part = url === "" ? (before.at(-1)?.part ?? "engine") : partOf(node.callFrame);
    return [...before, { name: functionName === "" ? "(anonymous)" : functionName, part }];
  };
  return [...usOf].flatMap(([id, us]) => {
    const name = nodes.get(id)?.callFrame.functionName;
    return us === 0 || name === idle || name === notJavaScript || name === root
      ? []
      : [{ frames: framesOf(id), ms: us / 1_000 }];
  });
}

/** Time in each part's own code, most first. */
export function selfMsByPart(stacks: readonly Stack[]): ReadonlyMap<string, number> {
  const byPart = new Map<string, number>();
  for (const { frames, ms } of stacks) {
    const part = frames.at(-1)?.part ?? "engine";
    byPart.set(part, (byPart.get(part) ?? 0) + ms);
  }
  return new Map([...byPart].toSorted(([, one], [, other]) => other - one));
}

/** Time in each function's own code, most first. */
export function selfMsByFunction(
  stacks: readonly Stack[],
  most: number,
): readonly (Frame & { readonly ms: number })[] {
  const byFunction = new Map<string, Frame & { readonly ms: number }>();
  for (const { frames, ms } of stacks) {
    const frame = frames.at(-1);
    if (frame === undefined) continue;
    const key = `${frame.part} ${frame.name}`;
    byFunction.set(key, { ...frame, ms: (byFunction.get(key)?.ms ?? 0) + ms });
  }
  return [...byFunction.values()].toSorted((one, other) => other.ms - one.ms).slice(0, most);
}

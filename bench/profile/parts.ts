// Which part of the system a function belongs to, by its file. Pure.

import type { CallFrame } from "./inspector.ts";

/** Folders of ours that are told apart one level deeper. */
const split: ReadonlySet<string> = new Set(["bridge", "kafka", "worker"]);
/** Node's own files, by what they do; the first that fits. */
const ofNode: readonly (readonly [pattern: RegExp, part: string])[] = [
  [/http/, "Node: HTTP"],
  [/^node:(net|internal\/(stream|net|js_stream|streams))|stream/, "Node: sockets and streams"],
  [/buffer/, "Node: buffers"],
  [/crypto/, "Node: crypto"],
  [/timers|event_target|abort_controller|events/, "Node: timers and events"],
];

/** Of a path from the root of the repository: `kafka/native`, `protocol`, the name of a package. */
export function partOfPath(path: string): string {
  const module = /node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules)/.exec(path);
  if (module?.[1] !== undefined) return module[1];
  const [folder = "", next = "", deeper] = path.split("/");
  return split.has(folder) && deeper !== undefined ? `${folder}/${next}` : folder;
}

/** In a Node process that runs files below `root`, a `file:` URL with a slash at its end. */
export function partInNode({ url }: CallFrame, root: string): string {
  if (url.startsWith("node:")) return ofNode.find(([pattern]) => pattern.test(url))?.[1] ?? "Node: others";
  if (url.startsWith(root)) return partOfPath(url.slice(root.length));
  return partOfPath(url);
}

/**
 * For the lines of a bundle: the path that a line came from. esbuild writes it in a comment before each file's code.
 */
export function pathsOfBundle(bundle: string): (line: number) => string {
  const starts: { readonly line: number; readonly path: string }[] = [];
  bundle.split("\n").forEach((text, line) => {
    const path = /^ *\/\/ ((?:\.\.\/)*[\w@./-]+\.(?:ts|js|mjs|cjs))$/.exec(text)?.[1];
    if (path !== undefined) starts.push({ line, path: path.replace(/^(\.\.\/)+/, "") });
  });
  return (line) => starts.findLast((start) => start.line <= line)?.path ?? "bundle";
}

// Which folder may import from which, as docs/design.md draws it.

import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** `types` may be imported as types only. The config is read by the two entries and the tools, and belongs to nobody. */
const allowed = new Map<string, { values: readonly string[]; types?: readonly string[] }>(
  Object.entries({
    protocol: { values: [] },
    kafka: { values: ["protocol"] },
    durable: { values: ["protocol"] },
    consumer: { values: ["protocol", "kafka"], types: ["durable"] },
    worker: { values: ["protocol", "kafka", "durable", "consumer"] },
    bridge: { values: ["protocol", "kafka"] },
    responder: { values: ["protocol", "kafka"] },
    examples: { values: ["responder"] },
    dev: { values: ["protocol", "kafka", "bridge", "worker"] },
    sidecar: { values: ["protocol", "kafka", "bridge", "worker", "dev"] },
    bench: { values: ["responder", "bridge", "worker", "dev"] },
  }),
);

interface Import {
  readonly from: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const source = readFileSync(join(root, file), "utf8");
  const statements = source.matchAll(/^(?:import|export)\s(type\s)?[^;]*?from\s"(\.[^"]+)";/gm);
  return [...statements].map(([, type, path = ""]) => ({
    from: file,
    target: normalize(join(dirname(file), path)),
    typeOnly: type !== undefined,
  }));
}

test.each([...allowed])("%s imports only from folders it may know", (folder, { values, types = [] }) => {
  const files = globSync(`${folder}/**/*.ts`, { cwd: root }).filter((file) => !file.includes("node_modules"));
  expect(files.length).toBeGreaterThan(0);
  const forbidden = files.flatMap(importsOf).filter(({ target, typeOnly }) => {
    const [to = ""] = target.split(sep);
    if (to === folder || values.includes(to)) return false;
    if (typeOnly && types.includes(to)) return false;
    return !(target === "hearback.config.ts" && ["worker", "consumer", "dev"].includes(folder));
  });
  expect(forbidden).toEqual([]);
});

test("what becomes part of a Worker leaves alone the parts of kafka that need Node", () => {
  const files = globSync("{kafka/*,durable/*,consumer/*,worker/*}.ts", { cwd: root });
  const node = files.flatMap(importsOf).filter(({ target }) => /^kafka\/(log|native)\//.test(target));
  expect(node).toEqual([]);
});

test("what judges a chaos run shares no code with what it judges", () => {
  const files = globSync("test/chaos/checker/**/*.ts", { cwd: root });
  expect(files.length).toBeGreaterThan(0);
  const own = normalize("test/chaos/checker/");
  const journal = normalize("test/chaos/journal.ts");
  const ours = files
    .flatMap(importsOf)
    .filter(({ target, typeOnly }) => !(target.startsWith(own) || (target === journal && typeOnly)));
  expect(ours).toEqual([]);
  const others = files
    .flatMap((file) => [
      ...readFileSync(join(root, file), "utf8").matchAll(/\b(?:from|import)[\s(]+"([^."][^"]*)"/g),
    ])
    .map(([, specifier = ""]) => specifier)
    .filter((specifier) => !specifier.startsWith("node:") && specifier !== "@platformatic/kafka");
  expect(others).toEqual([]);
});

test.each(["protocol", "kafka", "durable", "consumer", "responder"])(
  "other folders import %s through its index, so that its files can change",
  (folder) => {
    const files = globSync("{kafka,durable,consumer,worker,responder,bridge,dev,sidecar,examples}/**/*.ts", {
      cwd: root,
    });
    const around = files
      .filter((file) => !file.startsWith(`${folder}${sep}`) && !file.includes("node_modules"))
      .flatMap(importsOf)
      .filter(({ target }) => target.startsWith(`${folder}${sep}`))
      .filter(({ target }) => !/^([^/]+|kafka\/(log|native))\/(index|library)\.ts$/.test(target));
    expect(around).toEqual([]);
  },
);

// Who writes into a log of ours: none of it as somebody else wrote it.

import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { logLine } from "../../responder/options.ts";

test("a responder's line cannot be forged by an ID, nor by what a handler throws at a body", () => {
  const forged = "x\nservice: all is well";
  const place = { topic: "t", partition: 0, offset: 1, correlationId: forged };
  for (const line of [
    logLine("service", { type: "handler-failed", correlationId: forged, cause: new Error(forged) }),
    logLine("service", { type: "dead-letter", reason: "reply_topic_missing", ...place }),
    logLine("service", { type: "unsent", reason: forged, ...place }),
    logLine("service", { type: "connection", message: forged }),
    logLine("service", { type: "clock", message: forged }),
  ]) {
    expect(line).toMatch(/^service: /);
    expect(line.split("\n")).toHaveLength(1);
  }
});

test("no line of what is shipped has a cause or a text of others in it as it is", () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const files = globSync("{protocol,kafka,durable,consumer,worker,responder}/**/*.ts", { cwd: root });
  const calls = files.flatMap((file) => {
    const source = readFileSync(`${root}${file}`, "utf8");
    return [...source.matchAll(/console\.\w+\(([\s\S]*?)\)(;|,\n)/g)].map(
      ([, said = ""]) => `${file}: ${said}`,
    );
  });
  expect(calls.length).toBeGreaterThan(10);
  /** Of our own making: names from the config, places in Kafka, problems of the environment. */
  const ours =
    /^(logText|logCause|logLine)\(|^(record\.topic|place|why|problems\.join|this\.#terms\.name|this\.#url|state\.status|wordsFor)/;
  const raw = calls.filter((call) => {
    const parts = [...call.matchAll(/\$\{([^}]*)\}/g)].map(([, part = ""]) => part);
    const second = /["`],\s*(\w+)/.exec(call)?.[1];
    return (second !== undefined && second !== "unbalanced") || parts.some((part) => !ours.test(part));
  });
  expect(raw).toEqual([]);
});

import { expect, test } from "vitest";
import { cpuMsByKind } from "../../bench/profile/broker-threads.ts";
import { flameGraph } from "../../bench/profile/flame.ts";
import type { CpuProfile } from "../../bench/profile/inspector.ts";
import { markLine, Marks, readMark, stepTimes } from "../../bench/profile/marks.ts";
import { sharesOf } from "../../bench/profile/native.ts";
import { partInNode, partOfPath, pathsOfBundle } from "../../bench/profile/parts.ts";
import { selfMsByPart, stacksOf } from "../../bench/profile/samples.ts";

const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 0 });
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame("(root)", ""), children: [2, 5, 6] },
    { id: 2, callFrame: frame("serve", "bridge/http/server.ts"), children: [3, 4] },
    { id: 3, callFrame: frame("stringify", "") },
    { id: 4, callFrame: frame("(garbage collector)", "") },
    { id: 5, callFrame: frame("(idle)", "") },
    { id: 6, callFrame: frame("(program)", "") },
  ],
  samples: [2, 3, 5, 4, 6, 2],
  timeDeltas: [0, 500, 300, 900_000, 200, 400],
};
const stacks = stacksOf(profile, ({ url }) => partOfPath(url));

test("functions of the engine belong to who calls them, and idle time to nobody", () => {
  expect(selfMsByPart(stacks)).toEqual(
    new Map([
      ["bridge/http", 0.8],
      ["garbage collection", 0.2],
    ]),
  );
});

test("a sample stands for no more than two intervals: longer, the thread had no core", () => {
  const preempted = { ...profile, samples: [2, 5], timeDeltas: [0, 80_000] };
  expect(selfMsByPart(stacksOf(preempted, () => "bridge"))).toEqual(new Map([["bridge", 1]]));
});

test("a function is of the folder that its file is in, or of its package", () => {
  expect(partOfPath("worker/exchange/wait.ts")).toBe("worker/exchange");
  expect(partOfPath("worker/service.ts")).toBe("worker");
  expect(partOfPath("durable/waiter.ts")).toBe("durable");
  expect(partOfPath("node_modules/@upstash/kafka/dist/index.mjs")).toBe("@upstash/kafka");
  const inNode = (url: string): string => partInNode(frame("f", url), "file:///hearback/");
  expect(inNode("file:///hearback/kafka/native/tail.ts")).toBe("kafka/native");
  expect(inNode("file:///elsewhere/node_modules/@platformatic/kafka/dist/x.js")).toBe("@platformatic/kafka");
  expect(inNode("node:_http_server")).toBe("Node: HTTP");
});

test("a line of a bundle is of the file that the last comment before it names", () => {
  const pathOf = pathsOfBundle(
    "var a;\n// ../../node_modules/hono/dist/hono.js\nx();\n// worker/app.ts\n// a word on y.\ny();",
  );
  expect([0, 2, 5].map(pathOf)).toEqual(["bundle", "node_modules/hono/dist/hono.js", "worker/app.ts"]);
});

test("native code is told apart by object and symbol", () => {
  const report = [
    "  50.00%;[kernel.kallsyms];[k] tcp_sendmsg",
    "  25.00%;workerd;[.] v8::internal::Scavenger::ScavengePage",
    "  15.00%;workerd;[.] v8::Object::Get",
    "  10.00%;workerd;[.] kj::_::Event::armDepthFirst",
    "",
  ].join("\n");
  expect(sharesOf(report).map(({ part, share }) => [part, share])).toEqual([
    ["kernel: sockets, files, threads", 0.5],
    ["V8: garbage collection", 0.25],
    ["V8: engine and built-in functions", 0.15],
    ["promises and I/O (KJ)", 0.1],
  ]);
});

test("CPU of the broker is summed up by what its threads are for", () => {
  const threads = [
    '"data-plane-kafka-request-handler-0" #31 daemon prio=5 os_prio=0 cpu=12.50ms elapsed=3.01s tid=0x1 nid=0x2',
    '"data-plane-kafka-request-handler-1" #32 daemon prio=5 os_prio=0 cpu=7.50ms elapsed=3.01s tid=0x1 nid=0x3',
    '"C2 CompilerThread0" #6 daemon prio=9 os_prio=0 cpu=100.00ms elapsed=3.01s tid=0x1 nid=0x4',
  ].join("\n");
  expect(cpuMsByKind(threads)).toEqual(
    new Map([
      ["request handlers", 20],
      ["compiler (JIT)", 100],
    ]),
  );
});

test("a step is the time between two marks of the same question, whichever process made them", () => {
  const marks = new Marks();
  const read = (process: string, id: string, step: string, at: number): void => {
    const mark = readMark(`${process}: ${markLine({ id, step, at })}`);
    if (mark !== undefined) marks.add(mark.id, `${mark.process}.${mark.step}`, mark.at);
  };
  for (const [n, ms] of [3, 1, 2].entries()) {
    read("bridge", `timed-${n}`, "sent", 1_000);
    read("responder", `timed-${n}`, "read", 1_000 + ms);
    // The same record read again, by another loop.
    read("responder", `timed-${n}`, "read", 2_000);
  }
  read("bridge", "timed-9", "sent", 1_000);
  const step = { from: "bridge.sent", to: "responder.read", what: "a hop" };
  expect(stepTimes(marks, [step])).toEqual([{ what: "a hop", count: 3, p50: 2, p90: 3 }]);
  expect(readMark("bridge: the cluster is reached")).toBeUndefined();
});

test("each bar of a flame graph says what it is, also where it is too small for its name", () => {
  const svg = flameGraph("a title", stacks);
  expect([...svg.matchAll(/<title>([^<]*)<\/title>/g)].map(([, title]) => title)).toEqual([
    "serve (bridge/http) 80.0 %",
    "stringify (bridge/http) 30.0 %",
    "(garbage collector) (garbage collection) 20.0 %",
  ]);
});

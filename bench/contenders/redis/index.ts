// The Redis variant of founding document 003 ("Synchronous Request-Response over Kafka with Redis"), step by step: a node of
// "Service A" makes a correlation ID that begins with its own name and produces the request with it; it polls the shared cache
// for that key until there is data, or answers 503 after the timeout; whichever node reads a reply writes `{key: data}` to the
// cache, and the entry goes after the timeout. One node here, and one redis-server. The document names no software but
// Redis: HTTP is Fastify (https://fastify.dev/docs/latest/), Kafka @platformatic/kafka as in most other contenders, the cache
// node-redis (https://github.com/redis/node-redis), each as its own documentation has it.
//
// "Keep polling" has no number there, and the number decides the latency. Here all keys that a node waits for are asked for in
// one MGET, and 2 ms after its answer comes the next: a reply lies 1 ms on average, and a node asks at most 500 times a second, and
// nothing when nobody waits. A GET per waiter, the literal reading, asks waiters × 500 times a second, and chokes its own node at
// rates that this form serves; shorter pauses take processor time from everything else to win less than a millisecond.
//
// What else is set to its favour: entries are written without waiting for each other; bodies are bytes, and no JSON is parsed; as
// many produces may be under way on the connection as Hearback's bridge has (64, the client's default is 5); offsets are
// committed once a second. Redis keeps nothing on disk, as befits a cache, and is reached over TCP, since it is shared.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../dev/ports.ts";
import { httpCaller } from "../../load/http-caller.ts";
import type { Contender } from "../contender.ts";
import { startChild } from "../support/child-process.ts";
import { installNpm, lockedVersions } from "../support/npm-install.ts";
import { installRedis } from "./install-redis.ts";
import type { Settings } from "./settings.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const timeoutMs = 10_000;
const pollMs = 2;

export const redis: Contender = {
  id: "redis",
  title: "Redis variant",

  async versions() {
    const { stdout } = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
    return {
      ...(await lockedVersions(folder, ["fastify", "@platformatic/kafka", "redis"])),
      "redis-server": / v=(\S+)/.exec(stdout)?.[1] ?? "unknown",
    };
  },

  async prepare(onLine) {
    await installRedis(onLine);
    await installNpm(folder, onLine);
  },

  async start({ brokers, topics, folder: data, onLine }) {
    const cachePort = await freePort();
    const cache = await startChild({
      name: "redis-server",
      command: "redis-server",
      args: ["--bind", "127.0.0.1", "--port", String(cachePort), "--save", "", "--appendonly", "no"],
      cwd: data,
      ready: /Ready to accept connections/,
      // Its log tells of each start and end; that it is gone is told without a process id before it.
      onLine: (line) => {
        if (!/^\d+:/.test(line)) onLine(line);
      },
    });
    try {
      const settings: Settings = {
        port: await freePort(),
        brokers,
        requests: topics.requests,
        replies: topics.replies,
        cacheUrl: `redis://127.0.0.1:${cachePort}`,
        timeoutMs,
        pollMs,
      };
      const node = await startChild({
        name: "service-a",
        command: process.execPath,
        args: ["app/main.ts", JSON.stringify(settings)],
        cwd: folder,
        env: { NODE_ENV: "production" },
        ready: /^ready$/,
        onLine,
      });
      const caller = httpCaller(`http://127.0.0.1:${settings.port}`);
      return {
        ask: caller.ask,
        processes: new Map([
          ["node", node.pid],
          ["redis-server", cache.pid],
        ]),
        async stop() {
          await caller.close();
          await node.stop();
          await cache.stop();
        },
      };
    } catch (cause) {
      await cache.stop();
      throw cause;
    }
  },
};

// Platformatic's kafka-hooks: a path, a request topic and a response topic in a config file, and nothing to program.
// The application is watt.json and web/hooks/platformatic.json, as `wattpm create` lays it out.
//
// Followed: the README of @platformatic/kafka-hooks (npmjs.com/package/@platformatic/kafka-hooks), "Configuration" and
// "Request/Response Configuration"; docs.platformatic.dev/docs/guides/logging for the level.
//
// The consumer is the README's: a fetch is answered as soon as there is a byte (`minBytes` 1), and waits no longer
// than 500 ms where there is none. Its producer sends with the acks of all replicas, its own default, and never
// lingers; its sockets have `noDelay`. One worker, errors logged and nothing else.
// - `autocommit` once a second instead of after each fetch: no reply waits for a commit, but each costs the broker.
// - `topics` must name one topic to forward. It names the topic of responses, which is read anyway and never
//   forwarded, so that no record is read that the others do not read.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../dev/ports.ts";
import { answers } from "../../../dev/ready.ts";
import { httpCaller } from "../../load/http-caller.ts";
import type { Contender, RunningContender, Surroundings } from "../contender.ts";
import { startChild } from "../support/child-process.ts";
import { firstAnswer } from "../support/first-answer.ts";
import { installNpm, lockedVersions } from "../support/npm-install.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));

export const kafkaHooks: Contender = {
  id: "kafka-hooks",
  title: "kafka-hooks",
  versions: () =>
    lockedVersions(folder, ["@platformatic/kafka-hooks", "@platformatic/kafka", "wattpm", "fastify"]),
  prepare: (onLine) => installNpm(folder, onLine),
  start,
};

async function start({ brokers, topics, onLine }: Surroundings): Promise<RunningContender> {
  const port = await freePort();
  const child = await startChild({
    name: "kafka-hooks",
    command: process.execPath,
    args: [join(folder, "node_modules/wattpm/bin/cli.js"), "start"],
    cwd: folder,
    env: {
      NODE_ENV: "production",
      BENCH_PORT: String(port),
      BENCH_BROKER: brokers,
      BENCH_REQUESTS: topics.requests,
      BENCH_REPLIES: topics.replies,
    },
    ready: () => answers(`http://127.0.0.1:${port}`),
    onLine: (line) => onLine(`kafka-hooks: ${line}`),
  });
  const caller = httpCaller(`http://127.0.0.1:${port}`);
  const stop = async (): Promise<void> => {
    await caller.close();
    await child.stop();
  };
  try {
    await firstAnswer("kafka-hooks", caller.ask);
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { ask: caller.ask, processes: new Map([["kafka-hooks", child.pid]]), stop };
}

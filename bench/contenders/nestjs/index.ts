// NestJS: a controller that asks over Kafka with `ClientKafka` and answers over HTTP. The application is in app/, in
// NestJS's own dialect of TypeScript, and has a lock file of its own; here it is installed, built, started.
//
// Followed: docs.nestjs.com/microservices/kafka (kafkajs is the client that NestJS has; `ClientsModule`,
// `subscribeToResponseOf` and `connect` in `onModuleInit`), /microservices/basics (`send`, and a timeout by the
// operator of RxJS), /techniques/performance (Fastify instead of Express).
//
// Tuned, all of it by options that NestJS passes on to kafkajs (kafka.js.org/docs/consuming, /docs/configuration):
// - `minBytes` 1: a fetch is answered as soon as there is a reply. `maxWaitTimeInMs`, how long it waits where there is
//   none, is 500 instead of 5,000, as of every other consumer of the bench; with one broker no reply waits for it.
// - `autoCommit` off: otherwise each batch of replies waits for a commit before the next is fetched. In production it
//   has a price: a reply that is written while the group rebalances is skipped.
// - `noDelay` on its sockets, which kafkajs leaves off: no request waits for the acknowledgement of the one before.
// - acks of all replicas, which is the default. kafkajs never lingers: each request is a produce call.
//
// All replies come on one partition of the three: NestJS asks for the lowest one that its group gave it.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../dev/ports.ts";
import { httpCaller } from "../../load/http-caller.ts";
import type { Contender, RunningContender, Surroundings } from "../contender.ts";
import { startChild } from "../support/child-process.ts";
import { firstAnswer } from "../support/first-answer.ts";
import { installNpm, lockedVersions } from "../support/npm-install.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));

export const nestjs: Contender = {
  id: "nestjs",
  title: "NestJS ClientKafka",
  versions: () =>
    lockedVersions(folder, [
      "@nestjs/core",
      "@nestjs/microservices",
      "@nestjs/platform-fastify",
      "fastify",
      "kafkajs",
    ]),
  prepare,
  start,
};

async function prepare(onLine: (line: string) => void): Promise<void> {
  await installNpm(folder, onLine);
  const compiler = join(folder, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [compiler, "-p", folder], { encoding: "utf8" });
  if (status !== 0) throw new Error(`the NestJS application does not compile:\n${stdout}`);
}

async function start({ brokers, topics, onLine }: Surroundings): Promise<RunningContender> {
  if (topics.replies !== `${topics.requests}.reply`)
    throw new Error(`NestJS reads replies from ${topics.requests}.reply and from nowhere else`);
  const port = await freePort();
  const child = await startChild({
    name: "nestjs",
    command: process.execPath,
    args: ["dist/main.js"],
    cwd: folder,
    env: {
      NODE_ENV: "production",
      BENCH_PORT: String(port),
      BENCH_BROKERS: brokers,
      BENCH_REQUESTS: topics.requests,
    },
    ready: /^ready$/,
    onLine: (line) => onLine(`nestjs: ${line}`),
  });
  const caller = httpCaller(`http://127.0.0.1:${port}`);
  const stop = async (): Promise<void> => {
    await caller.close();
    await child.stop();
  };
  try {
    await firstAnswer("nestjs", caller.ask);
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { ask: caller.ask, processes: new Map([["nestjs", child.pid]]), stop };
}

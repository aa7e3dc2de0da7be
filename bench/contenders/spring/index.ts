// Spring Boot with ReplyingKafkaTemplate behind a REST controller, as a JVM of its own. Written after the reference manual,
// https://docs.spring.io/spring-kafka/reference/kafka/sending-messages.html#replying-template (template, reply container
// from Boot's factory, waitForAssignment before the first request), with the future as the controller's return value, after
// https://docs.spring.io/spring-framework/reference/web/webmvc/mvc-ann-async.html: no thread waits for a reply. Correlation
// IDs are the template's own, 16 bytes; the producer's partitioner spreads requests, which have no key, as in the manual.
//
// Of the reply topic's three partitions the one instance reads all: the container has the topic, not one partition of it, so
// requests name no partition, and the group is its own, from the latest, as the manual asks of each instance.
//
// What is set so that nothing stands in its way, each to its favour:
// - linger.ms=0, since the 5 ms of Kafka 4's producer are a batching delay; acks=all, as everybody;
// - bodies are bytes, not objects: no JSON is parsed or written, as in the other contenders;
// - offsets of replies are committed without waiting: a reply container that commits after each poll and waits for it, the
//   default, reads nothing meanwhile, and what it has read is of no use after a restart;
// - connections are kept for as many requests as come: Tomcat's default closes one after 100;
// - the log has warnings only. The heap is the JVM's default, a quarter of the machine.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { javaCommand } from "../../../dev/kafka/java.ts";
import { freePort } from "../../../dev/ports.ts";
import { httpCaller } from "../../load/http-caller.ts";
import type { Contender } from "../contender.ts";
import { startChild } from "../support/child-process.ts";
import { runCommand } from "../support/run-command.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const pom = join(folder, "pom.xml");
const jar = join(folder, "target", "spring-contender.jar");
const replyTimeout = "10s";
/** A JVM without a cache of classes takes its time, and longer beside others. */
const startTimeoutMs = 120_000;

export const spring: Contender = {
  id: "spring",
  title: "Spring",

  async versions() {
    const text = readFileSync(pom, "utf8");
    return {
      "spring-boot": found(/<parent>[^]*?<version>(.*?)<\/version>/, text),
      "spring-kafka": found(/<spring-kafka\.version>(.*?)</, text),
      "kafka-clients": found(/<kafka\.version>(.*?)</, text),
      tomcat: found(/<tomcat\.version>(.*?)</, text),
      java: found(/version "(.*?)"/, spawnSync(javaCommand(), ["-version"], { encoding: "utf8" }).stderr),
    };
  },

  async prepare(onLine) {
    if (isBuilt()) return;
    onLine(`mvn package in ${folder}`);
    await runCommand("mvn", ["--batch-mode", "--quiet", "--strict-checksums", "package"], {
      cwd: folder,
      onLine,
    });
  },

  async start({ brokers, topics, onLine }) {
    const port = await freePort();
    const jvm = await startChild({
      name: "spring",
      command: javaCommand(),
      args: [
        "-jar",
        jar,
        `--server.port=${port}`,
        `--spring.kafka.bootstrap-servers=${brokers}`,
        `--bench.requests=${topics.requests}`,
        `--bench.replies=${topics.replies}`,
        `--bench.reply-timeout=${replyTimeout}`,
      ],
      ready: /^ready$/,
      timeoutMs: startTimeoutMs,
      onLine,
    });
    const caller = httpCaller(`http://127.0.0.1:${port}`);
    return {
      ask: caller.ask,
      processes: new Map([["jvm", jvm.pid]]),
      async stop() {
        await caller.close();
        await jvm.stop();
      },
    };
  },
};

/** Whether the jar is there and younger than all that it is made of. */
function isBuilt(): boolean {
  const builtAt = statSync(jar, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync(join(folder, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return [pom, ...sources].every((file) => statSync(file).mtimeMs < builtAt);
}

function found(pattern: RegExp, text: string): string {
  const [, version] = pattern.exec(text) ?? [];
  if (version === undefined) throw new Error(`no version is found by ${pattern.source}`);
  return version;
}

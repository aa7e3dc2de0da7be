// Opens the Kafka backend: the clients, one for each kind of work so that none waits behind another on a
// connection, and what is built from them.

import { Admin, Consumer, Producer } from "@platformatic/kafka";
import { logText } from "../../protocol/index.ts";
import { createAppender } from "./appender.ts";
import { clientOptions, type KafkaConnection } from "./client-options.ts";
import { createCluster } from "./cluster.ts";
import { createDirectReader } from "./direct-reader.ts";
import { backendOf, type Backend } from "../log/index.ts";
import { createKafkaGroups } from "./kafka-groups.ts";
import { createKafkaLog, type KafkaLog } from "./kafka-log.ts";
import { createTail } from "./tail.ts";

export { clientOptions } from "./client-options.ts";
export { messageOf } from "./errors.ts";
export { readKafkaConnection } from "./connection-settings.ts";
export type { KafkaConnection, SaslOptions, TlsOptions } from "./client-options.ts";

export interface KafkaOptions extends KafkaConnection {
  /** Whether the first record for a topic creates it. Default true. */
  readonly createTopics?: boolean;
  /**
   * Told when the cluster is lost and reached again, and of what goes wrong with no client to blame, the same
   * at most once a minute. Default: standard error.
   */
  readonly onEvent?: (message: string) => void;
}

const repeatErrorMs = 60_000;
/**
 * How long the leader may wait for its followers: longer than a broker that died is taken for alive (9 s), and
 * below the time-out of a request, so that it is the leader who says where it wrote what it could not confirm.
 */
const confirmationMs = 14_000;
/**
 * What waits for nobody is answered in this time, or its connection is dead: a network that has forgotten a connection tells
 * neither side. Each client finds out for itself, some after others. Enough for 8 MiB at 15 Mbit/s.
 */
const promptMs = 5_000;

/**
 * Does not wait for the cluster: until it is reached, `trouble` says so and produces are refused.
 */
export function openKafka(options: KafkaOptions): Backend<KafkaLog> {
  const onEvent = options.onEvent ?? ((message) => console.error(`kafka: ${logText(message)}`));
  const onError = onceAMinute(onEvent);
  const admin = new Admin({ ...clientOptions(options, "admin"), requestTimeout: promptMs });
  const producer = new Producer({
    ...clientOptions(options, "producer"),
    maxInflights: 64,
    timeout: confirmationMs,
  });
  const reader = (role: string): Consumer =>
    new Consumer({
      ...clientOptions(options, role),
      requestTimeout: promptMs,
      groupId: `hearback-${role}`,
    });
  const main = reader("tail");
  const joiner = reader("join");
  const older = reader("direct");
  const cluster = createCluster(admin, producer, onEvent);
  const log = createKafkaLog({
    admin,
    cluster,
    appender: createAppender(producer),
    direct: createDirectReader(older),
    createTail: (onChange) => createTail({ main, joiner }, { onChange, onError }),
    createTopics: options.createTopics ?? true,
    closeClients: async () => {
      const clients = [admin, producer, main, joiner, older];
      await Promise.allSettled(clients.map((client) => client.close()));
    },
    onError,
  });
  return backendOf(
    log,
    createKafkaGroups({
      connection: options,
      admin,
      countPartitions: async (topic) => (await cluster.topic(topic, 0))?.leaders.length ?? 0,
      onError,
    }),
  );
}

function onceAMinute(report: (message: string) => void): (message: string) => void {
  const reported = new Map<string, number>();
  return (message) => {
    const now = Date.now();
    for (const [other, at] of reported) if (at < now - repeatErrorMs) reported.delete(other);
    if (reported.has(message)) return;
    reported.set(message, now);
    report(message);
  };
}

// The configuration of a single broker in KRaft mode, as the lines of its properties file. Pure.

export interface BrokerAddress {
  readonly port: number;
  readonly controllerPort: number;
  /** Folder of its records. */
  readonly data: string;
}

export const host = "127.0.0.1";

/**
 * `extra` overrides what stands here. Comments in a properties file must stand on lines of their own, so there
 * are none. The quorum of controllers is named in the file and not in the data, so that its port may change.
 */
export function brokerProperties(
  { port, controllerPort, data }: BrokerAddress,
  extra: Readonly<Record<string, string>> = {},
): string {
  const properties: Record<string, string> = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@${host}:${controllerPort}`,
    listeners: `PLAINTEXT://${host}:${port},CONTROLLER://${host}:${controllerPort}`,
    "advertised.listeners": `PLAINTEXT://${host}:${port}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": data,
    "num.partitions": "3",
    "auto.create.topics.enable": "false",
    // The bridge takes records of 1 MiB; the limit here counts the batch around them, too.
    "message.max.bytes": "1114112",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    // A broker that was killed must be missed before its successor is let in, by default for 9 s.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    // A group of one need not wait for others.
    "group.initial.rebalance.delay.ms": "0",
    ...extra,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

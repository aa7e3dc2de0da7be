// The broker's configuration as a value and as a file. Pure; which ports are free is decided elsewhere.

export type Properties = Readonly<Record<string, string>>;

/** A listener beside the plain one. Its name is also the prefix `listener.name.<name>.` of its properties. */
export interface KafkaListener {
  readonly name: string;
  readonly protocol: "PLAINTEXT" | "SASL_PLAINTEXT" | "SSL" | "SASL_SSL";
  readonly port: number;
}

export interface BrokerPlace {
  readonly data: string;
  readonly controllerPort: number;
  /** The first one is what brokers use among themselves; one of them must be named PLAINTEXT. */
  readonly listeners: readonly KafkaListener[];
}

const host = "127.0.0.1";

/** One node that is broker and controller. `extra` wins over what is said here. */
export function brokerProperties(
  { data, controllerPort, listeners }: BrokerPlace,
  extra: Properties,
): Properties {
  const addresses = listeners.map(({ name, port }) => `${name}://${host}:${port}`);
  return {
    "process.roles": "broker,controller",
    "node.id": "1",
    // A static quorum is named here only and not in the data, so that the controller may move to another port.
    "controller.quorum.voters": `1@${host}:${controllerPort}`,
    "controller.listener.names": "CONTROLLER",
    listeners: [...addresses, `CONTROLLER://${host}:${controllerPort}`].join(","),
    "advertised.listeners": addresses.join(","),
    "listener.security.protocol.map": [
      ...listeners.map(({ name, protocol }) => `${name}:${protocol}`),
      "CONTROLLER:PLAINTEXT",
    ].join(","),
    "inter.broker.listener.name": "PLAINTEXT",
    // With a folder of its own for the metadata, Kafka locks it before it reads it.
    "log.dirs": `${data}/records`,
    "metadata.log.dir": `${data}/metadata`,
    // After kill -9 the broker may register again only when its old session is over (default 9 s).
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    // A topic that is missing is to be noticed, not made with one partition.
    "auto.create.topics.enable": "false",
    "num.partitions": "3",
    // The bridge takes records of 1 MiB, and this limit counts the batch around them, too.
    "message.max.bytes": "1114112",
    // Topics of Kafka's own, on one broker.
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    // The first member of a group need not wait for others.
    "group.initial.rebalance.delay.ms": "0",
    ...extra,
  };
}

/** In Java's properties format, in which a backslash begins an escape. */
export function printProperties(properties: Properties): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n`)
    .join("");
}

// How every client of this backend connects to the cluster, and the settings that they share. What each client
// is for stands where it is made.

import type { BaseOptions } from "@platformatic/kafka";

export type SaslOptions =
  | {
      readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: "OAUTHBEARER";
      /** A function is asked again for every connection, and when the cluster wants a new one on an old connection. */
      readonly token: string | (() => string | Promise<string>);
    };

/** PEM. Without `ca` the system's authorities count. `cert` and `key` are for clusters that ask for them. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface KafkaConnection {
  /** `host:port` of one or more brokers; the others are learned from them. */
  readonly brokers: readonly string[];
  readonly sasl?: SaslOptions;
  readonly tls?: TlsOptions;
}

/**
 * No retries inside the client: each caller here knows what a repeat would mean, and a client that waits by
 * itself hides a lost broker. Metadata is looked up again when a leader moved, so its age can be long.
 */
export function clientOptions({ brokers, sasl, tls }: KafkaConnection, role: string): BaseOptions {
  return {
    clientId: `hearback-bridge-${role}`,
    bootstrapBrokers: [...brokers],
    retries: 0,
    connectTimeout: 3_000,
    requestTimeout: 15_000,
    metadataMaxAge: 30_000,
    ...(sasl === undefined ? {} : { sasl }),
    // The name on the certificate is checked against the broker's own, whatever address led to it.
    ...(tls === undefined ? {} : { tls, tlsServerName: true }),
  };
}

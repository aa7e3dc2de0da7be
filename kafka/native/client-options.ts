// How every client of this backend connects to the cluster, and the settings that they share. What each client
// is for stands where it is made.

import { isIP } from "node:net";
import type { BaseOptions, SASLOptions as ClientSaslOptions } from "@platformatic/kafka";

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
  /** What brokers call our clients in their logs and quotas, before a dash and the role. Default `hearback`. */
  readonly clientName?: string;
}

/**
 * No retries inside the client: each caller here knows what a repeat would mean, and a client that waits by
 * itself hides a lost broker. Metadata is looked up again when a leader moved, so its age can be long.
 */
export function clientOptions(
  { brokers, sasl, tls, clientName = "hearback" }: KafkaConnection,
  role: string,
): BaseOptions {
  return {
    clientId: `${clientName}-${role}`,
    bootstrapBrokers: [...brokers],
    retries: 0,
    connectTimeout: 3_000,
    requestTimeout: 15_000,
    metadataMaxAge: 30_000,
    ...(sasl === undefined ? {} : { sasl: clientSaslOptions(sasl) }),
    // Brokers behind one address are told apart by the name that is asked for. An IP address must not be sent as
    // one (RFC 6066); the certificate is checked against the address of the broker either way.
    ...(tls === undefined ? {} : { tls, tlsServerName: brokers.some(isName) }),
  };
}

/** The client takes an answer to a token for success; in truth the broker answers nothing to one that it takes. */
function clientSaslOptions(sasl: SaslOptions): ClientSaslOptions {
  if (sasl.mechanism !== "OAUTHBEARER") return sasl;
  return {
    ...sasl,
    authBytesValidator(answer, callback) {
      // RFC 7628, 3.2.2: JSON that says what is wrong.
      if (answer.length === 0) callback(null, answer);
      else callback(new Error(`the broker refuses the token: ${answer.toString()}`));
    },
  };
}

function isName(broker: string): boolean {
  return isIP(broker.slice(0, broker.lastIndexOf(":")).replace(/^\[|\]$/g, "")) === 0;
}

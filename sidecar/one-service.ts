// What a sidecar makes of the gateway's config: one of its services, with a reply topic of the sidecar's own. Pure.

import type { GatewayConfig, Service } from "../worker/config.ts";

/** Kafka's limit. */
const longestTopicName = 249;

/** The part of a topic's name that stands for this sidecar, from a host's name: everything Kafka does not take is a dash. */
export function nameFrom(hostname: string): string {
  return hostname.replace(/[^a-zA-Z0-9._-]/g, "-");
}

/** Throws an Error in words when there is no such service, or its reply topic cannot be named so. */
export function configForSidecar(config: GatewayConfig, service: string, name: string): GatewayConfig {
  const found = config.services.find((one) => one.name === service);
  if (found === undefined) {
    const names = config.services.map((one) => one.name).join(", ");
    throw new Error(`--service: received ${JSON.stringify(service)}; the config has ${names}`);
  }
  return {
    ...config,
    services: [{ ...found, replyTopic: replyTopicOf(found, name) }],
    // No platform counts the subrequests of a sidecar.
    workersPlan: "paid",
  };
}

function replyTopicOf({ replyTopic, requestTopic }: Service, name: string): string {
  const own = `${replyTopic}.${name}`;
  const problem = !/^[a-zA-Z0-9._-]+$/.test(name)
    ? "must be made of a-z A-Z 0-9 . _ -"
    : own.length > longestTopicName
      ? `makes a topic name of more than ${longestTopicName} characters`
      : own === requestTopic
        ? "makes the name of the request topic"
        : undefined;
  if (problem !== undefined) throw new Error(`--name: received ${JSON.stringify(name)}; it ${problem}`);
  return own;
}

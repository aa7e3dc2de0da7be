// Which bridge a command asks: the one that the environment names, else .dev.vars, else that of `npm run dev`.

import { parseEnv } from "node:util";
import type { KafkaRestCredentials } from "../../kafka/index.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** `devVars`: what is in .dev.vars. Each variable for itself; an empty one counts as absent. */
export function readCredentials(env: Environment, devVars = ""): KafkaRestCredentials {
  const written: Environment = parseEnv(devVars);
  const read = (name: string, otherwise: string): string => env[name] || written[name] || otherwise;
  const url = read("UPSTASH_KAFKA_REST_URL", "http://127.0.0.1:8790");
  if (!URL.canParse(url)) throw new Error(`UPSTASH_KAFKA_REST_URL: ${JSON.stringify(url)} is not a URL`);
  return {
    url,
    username: read("UPSTASH_KAFKA_REST_USERNAME", "dev"),
    password: read("UPSTASH_KAFKA_REST_PASSWORD", "dev"),
  };
}

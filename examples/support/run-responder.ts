// Runs the responders of an example as a process: on a cluster or over the bridge, as the environment says, until
// it is told to end.

import {
  createResponder,
  readKafkaConnection,
  type KafkaConnection,
  type BridgeConnection,
  type ResponderOptions,
} from "../../responder/index.ts";

type Answering<Input> = Omit<ResponderOptions<Input>, "kafka">;

/** `KAFKA_BROKERS` names a cluster, with `KAFKA_SASL_*` and `KAFKA_TLS_*` besides; else `UPSTASH_KAFKA_REST_*` the bridge, which `npm run dev` starts. */
function connectionFrom(env: NodeJS.ProcessEnv): KafkaConnection | BridgeConnection {
  const brokers = env["KAFKA_BROKERS"];
  if (brokers) return readKafkaConnection(brokers, env);
  return {
    bridge: env["UPSTASH_KAFKA_REST_URL"] ?? "http://127.0.0.1:8790",
    username: env["UPSTASH_KAFKA_REST_USERNAME"] ?? "dev",
    password: env["UPSTASH_KAFKA_REST_PASSWORD"] ?? "dev",
  };
}

/** `RESPONDER_NAME` names the instance. Ends with SIGINT or SIGTERM, when everything taken up is answered; then says what became of the requests. */
export async function runResponder<Input = undefined>(options: Answering<Input>): Promise<void> {
  const name = process.env["RESPONDER_NAME"];
  const responder = createResponder({
    kafka: connectionFrom(process.env),
    ...(name ? { name } : {}),
    ...options,
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => responder.stop());
  console.log(`answering ${String(options.topic)}`);
  await responder.run();
  console.log(`stopped ${String(options.topic)}: ${JSON.stringify(responder.counts)}`);
}

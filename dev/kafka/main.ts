// `npm run kafka`: one Apache Kafka broker on this machine, from the first run to Ctrl-C.

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { kafkaMissing, startBroker, type Broker } from "./index.ts";

const usage = `npm run kafka -- [options]
  --kafka-port N     port of the broker; 0: any free one (default 9092)
  --data DIR         where its records are kept (default .kafka/broker)`;

try {
  const { values } = parseArgs({
    options: {
      "kafka-port": { type: "string", default: "9092" },
      data: { type: "string", default: fileURLToPath(new URL("../../.kafka/broker", import.meta.url)) },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) console.log(usage);
  else await run(values["kafka-port"], values.data);
} catch (cause) {
  console.error(`kafka: ${cause instanceof Error ? cause.message : String(cause)}`);
  process.exitCode = 1;
}

async function run(portText: string, folder: string): Promise<void> {
  const port = Number(portText);
  if (!/^\d{1,5}$/.test(portText) || port > 65_535) throw new RangeError(`"${portText}" is not a port`);
  const missing = kafkaMissing();
  if (missing !== undefined) throw new Error(missing);
  const startedAt = Date.now();
  let broker: Broker | undefined;
  let ending = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // Before it has started, ending this process ends it, too.
      if (broker === undefined) process.exit(1);
      ending = true;
      void broker.stop();
    });
  }
  broker = await startBroker({ port, folder, progress: (line) => console.log(`kafka: ${line}`) });
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1);
  console.log(`kafka listens on ${broker.address} (process ${broker.pid}, ready after ${seconds} s)`);
  await broker.ended;
  if (!ending) {
    console.error(`kafka: the broker has ended by itself; ${folder}/broker.log says why`);
    process.exitCode = 1;
  }
}

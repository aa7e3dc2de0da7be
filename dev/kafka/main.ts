// `npm run kafka`: one Kafka broker on this machine, until Ctrl-C. Everything it does is in broker.ts.

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { optionsOrExit } from "../command-line.ts";
import { KafkaStartError, startKafka } from "./index.ts";
import { parseKafkaOptions } from "./options.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

async function run({ port, data }: { readonly port: number; readonly data: string }): Promise<void> {
  let wanted = false;
  const ended = new Promise<void>((end) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        wanted = true;
        end();
      });
    }
  });
  const starting = startKafka({ port, data: resolve(root, data), log: (line) => console.error(line) });
  const broker = await Promise.race([starting, ended]);
  // Ended before it was up: Java goes when this process exits.
  if (broker === undefined) process.exit(0);
  console.log(`kafka listens on ${broker.bootstrap}`);
  await Promise.race([broker.gone(), ended]);
  await broker.stop();
  if (!wanted) throw new KafkaStartError("The broker ended by itself; the lines above say why.");
}

const options = optionsOrExit(parseKafkaOptions(process.argv.slice(2)));
try {
  await run(options);
  process.exit(0);
} catch (cause) {
  if (!(cause instanceof KafkaStartError)) throw cause;
  const hint = /^Port \d+ is taken/.test(cause.message)
    ? " End what uses it, or choose another one with --kafka-port N."
    : "";
  console.error(`${cause.message}${hint}`);
  process.exit(1);
}

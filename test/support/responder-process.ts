// A responder of the examples in a process of its own, which can be stopped, continued and killed.

import { runCommand } from "./command.ts";

export interface ResponderProcess {
  readonly pid: number;
  /** Everything that it has printed. */
  output(): string;
  /** SIGTERM, and waits: what it holds is answered. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGSTOP: it does nothing until `resume`, and knows nothing of it. */
  freeze(): void;
  resume(): void;
}

/** The example's model on a cluster. */
export function startModelProcess(brokers: string, name: string): ResponderProcess {
  return startResponderProcess("examples/predict/responder.ts", brokers, name);
}

/** A file that runs a responder as the examples do. `name`: what its replies carry as `X-Responder`. */
export function startResponderProcess(file: string, brokers: string, name: string): ResponderProcess {
  const command = runCommand(process.execPath, [file], {
    env: { KAFKA_BROKERS: brokers, RESPONDER_NAME: name },
  });
  const killWithUs = (): void => command.signal("SIGKILL");
  process.once("exit", killWithUs);
  void command.ended.then(() => process.off("exit", killWithUs));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    command.signal(signal);
    await command.ended;
  };
  return {
    pid: command.pid,
    output: () => command.output(),
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    freeze: () => command.signal("SIGSTOP"),
    resume: () => command.signal("SIGCONT"),
  };
}

// What both responders of the bench have in common as commands: `node bench/responder/<kind>.ts BROKERS REQUESTS
// REPLIES GROUP`, a line once they run, and an end at SIGTERM.

export interface ResponderPlace {
  readonly brokers: readonly string[];
  readonly requests: string;
  readonly replies: string;
  readonly group: string;
}

export function readPlace(): ResponderPlace {
  const [brokers, requests, replies, group] = process.argv.slice(2);
  if (brokers === undefined || requests === undefined || replies === undefined || group === undefined)
    throw new Error("BROKERS REQUESTS REPLIES GROUP");
  return { brokers: brokers.split(","), requests, replies, group };
}

export const readyLine = "the responder runs";

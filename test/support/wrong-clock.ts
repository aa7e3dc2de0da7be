// Processes of the loop whose clocks are wrong.

import type { ResponderCounts } from "../../responder/index.ts";
import { runCommand } from "./command.ts";
import { credentialsFor } from "./loop.ts";

/** To be given to Node before the program. */
export const shiftedClock = ["--import", "./test/support/shifted-clock.ts"] as const;

export function clockAhead(ms: number): Readonly<Record<string, string>> {
  return { CLOCK_AHEAD_MS: String(ms) };
}

export interface ShiftedResponder {
  /** What it has said so far. */
  output(): string;
  /** SIGTERM; resolves with what became of all that it read. */
  finish(): Promise<ResponderCounts>;
}

/** The responder of wrong-clock-responder.ts over a bridge, once it is a member of its group. */
export function startShiftedResponder(
  bridgeUrl: string,
  aheadMs: number,
  later: (cleanup: () => unknown) => void,
): ShiftedResponder {
  const command = runCommand(process.execPath, [...shiftedClock, "test/support/wrong-clock-responder.ts"], {
    env: { ...credentialsFor(bridgeUrl), ...clockAhead(aheadMs) },
  });
  later(async () => {
    command.signal("SIGKILL");
    await command.ended;
  });
  return {
    output: () => command.output(),
    async finish() {
      command.signal("SIGTERM");
      await command.ended;
      const [, counts = "{}"] = /stopped [\w.]+: (.*)/.exec(command.output()) ?? [];
      return JSON.parse(counts) as ResponderCounts;
    },
  };
}

// What the responder kit does, wherever it is connected to: one list of cases for all its homes.

import type { Home } from "./stage.ts";
import { replyCases } from "./replies.ts";
import { requestCases } from "./requests.ts";
import { workCases } from "./work.ts";

export function responderContract(home: () => Promise<Home>): void {
  replyCases(home);
  requestCases(home);
  workCases(home);
}

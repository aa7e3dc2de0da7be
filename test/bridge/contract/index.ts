// The acceptance test of a backend: call it from a test file with a way to open the backend.

import type { BackendUnderTest } from "./backend.ts";
import { groupsContract } from "./groups.ts";
import { pollsContract } from "./polls.ts";
import { recordsContract } from "./records.ts";
import { requestsContract } from "./requests.ts";
import { scopesContract } from "./scopes.ts";
import { webhookContract } from "./webhook.ts";

export function backendContract(backend: BackendUnderTest): void {
  recordsContract(backend);
  pollsContract(backend);
  requestsContract(backend);
  groupsContract(backend);
  webhookContract(backend);
  scopesContract(backend);
}

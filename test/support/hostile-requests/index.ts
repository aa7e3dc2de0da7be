// The table of hostile requests: what is sent, byte for byte, and the status and problem code that it must get. A row is
// added to the part that it belongs to; test/loop/hostile-requests.test.ts sends them all and looks after the gateway.

import { bodies } from "./bodies.ts";
import { credentials } from "./credentials.ts";
import { forged } from "./forged.ts";
import { framing } from "./framing.ts";
import { headers } from "./headers.ts";
import { ids } from "./ids.ts";
import { methods } from "./methods.ts";
import { pages } from "./pages.ts";
import { schemas } from "./schemas.ts";
import { targets } from "./targets.ts";
import { tenants } from "./tenants.ts";
import type { HostileRequest } from "./words.ts";

export const hostileRequests: readonly HostileRequest[] = [
  ...bodies,
  ...framing,
  ...targets,
  ...methods,
  ...headers,
  ...forged,
  ...ids,
  ...tenants,
  ...credentials,
  ...pages,
  ...schemas,
];

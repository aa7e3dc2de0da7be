// A deployment in the middle of a deploy: its gateway and its objects run different builds, as two Workers that
// share the objects. Which builds there are is previous-build.ts's business.

import type { GatewayOptions } from "../../worker/config.ts";
import { startGateways, type GatewayPlan, type Gateways, type RunningGateway } from "./gateways.ts";
import type { GatewayBuild } from "./previous-build.ts";

export interface Halves {
  /** For a test's title, which shows 40 characters of it. */
  readonly title: string;
  /** Which code the gateway runs; the other half runs the other one. */
  readonly gateway: "earlier" | "at hand";
  /** What the other half is: all objects, or the drain alone. Waiters are then of the gateway's code. */
  readonly other: "objects" | "drain";
}

/** The code of requests and the code of objects roll out at different moments, in either order. */
export const allHalves: readonly Halves[] = [
  { title: "earlier gateway, objects at hand", gateway: "earlier", other: "objects" },
  { title: "gateway at hand, earlier objects", gateway: "at hand", other: "objects" },
  { title: "waiters at hand, earlier drain", gateway: "at hand", other: "drain" },
  { title: "earlier waiters, drain at hand", gateway: "earlier", other: "drain" },
];

export interface HalfDeployed {
  readonly server: Gateways["server"];
  /** Where requests go. Its ledger is that of the drain of the other half. */
  readonly gateway: RunningGateway;
  /** A gateway of the other code, with its own objects or with those waiters that the two share. */
  readonly other: RunningGateway;
  /** Ends the deploy: both halves run this build, on what the objects have stored. Addresses are new. */
  endWith(build: GatewayBuild): Promise<HalfDeployed>;
}

/** `options` are for both halves: an earlier build refuses an option that it does not know. */
export async function startHalfDeployed(
  { gateway, other }: Halves,
  { atHand, earlier }: { readonly atHand: GatewayBuild; readonly earlier: GatewayBuild },
  bridgeUrl: string,
  options: GatewayOptions,
  later: (cleanup: () => unknown) => void,
): Promise<HalfDeployed> {
  const plansWith = (first: GatewayBuild, second: GatewayBuild) => {
    const waiters = (of: string, isThere: boolean) => (isThere ? { waitersOf: of } : {});
    return [
      { name: "gateway", options, build: first, drainOf: "other", ...waiters("other", other === "objects") },
      { name: "other", options, build: second, ...waiters("gateway", other === "drain") },
    ] as const satisfies readonly GatewayPlan[];
  };
  const runningOn = (gateways: Gateways<"gateway" | "other">): HalfDeployed => ({
    server: gateways.server,
    gateway: gateways.byName.gateway,
    other: gateways.byName.other,
    endWith: async (build) => runningOn(await gateways.redeploy(plansWith(build, build))),
  });
  const plans = gateway === "earlier" ? plansWith(earlier, atHand) : plansWith(atHand, earlier);
  return runningOn(await startGateways(bridgeUrl, plans, later));
}

// Deploys with a thousand requests waiting: to the code at hand from that of the commit before, and back, with how each
// kind of caller ended. Objects are on disk. Callers, service and bridge share the process of the test; every Worker
// has a workerd of its own.

import { afterAll, expect, test } from "vitest";
import { useCleanups } from "../support/cleanups.ts";
import { buildGateways } from "../support/previous-build.ts";
import { Proof } from "../support/proof.ts";
import { expectGoodEnds, redeployForms, redeployUnderWaits, type SeenEnd } from "../support/redeploy.ts";
import { callerKinds } from "../support/waiting-callers.ts";

const builds = await buildGateways([]);
const { atHand } = builds;
const [before] = builds.earlier;
if (before === undefined) throw new Error("there is no earlier build");
const proof = new Proof("redeploy", "New code while a thousand requests wait");
afterAll(async () => {
  proof.write();
  await builds.remove();
});

const later = useCleanups();
const waiting = {
  early: { plain: 300, keyed: 200, wait: 100, async: 200 },
  last: { plain: 100, keyed: 100 },
};
const codes = {
  "at hand": { build: atHand, version: "at hand" },
  before: { build: before, version: `before (${before.revision})` },
} as const;

/** In the words of the table. */
function endOf({ fate, cameBack, attachedAgain }: SeenEnd): string {
  if (fate === "broken") return "their connection broke, and they cannot come back";
  if (fate !== "answered") return `${fate}`;
  if (cameBack !== "over its connection") return `came back ${cameBack.replace("its", "their")}`;
  if (attachedAgain) return "over their connection, after their Worker attached to the new code";
  return "over their connection, before their waiter was reset";
}

test.each(
  redeployForms.flatMap((form) => [
    { form, from: codes.before, to: codes["at hand"], what: "deploy" },
    { form, from: codes["at hand"], to: codes.before, what: "roll-back" },
  ]),
)("a $what of $form while a thousand callers wait", async ({ form, from, to, what }) => {
  const redeployed = await redeployUnderWaits(form, { from, to }, waiting, later);
  const { ends, deployMs, overMs, ledger } = redeployed;
  const held = ends.filter(({ wasHeld }) => wasHeld).length;
  const title = `${what} of ${form}, ${from.version} → ${to.version}`;
  proof.add(
    title,
    `${ends.length} wait: ${held} held, ${ends.length - held} parked; new code after ${(deployMs / 1_000).toFixed(2)} s, all answers ${(overMs / 1_000).toFixed(2)} s later`,
  );
  for (const kind of callerKinds) {
    const counts = new Map<string, number>();
    for (const end of ends.filter((one) => one.kind === kind)) {
      counts.set(endOf(end), (counts.get(endOf(end)) ?? 0) + 1);
    }
    proof.add(`${title}: ${kind}`, [...counts].map(([how, count]) => `${count} ${how}`).join("; "));
  }
  const durable = ends.filter(({ kind }) => kind !== "plain");
  const same = durable.filter(({ nonce, again, records }) => again?.text === nonce && records === 1).length;
  proof.add(
    `${title}: durable ones asked once more`,
    `${same} of ${durable.length} the same answer, from one record each; ledger: ${ledger.read} read = ${ledger.settled} verdicts + ${ledger.inFlight} in flight`,
  );
  expect(ends).toHaveLength(1_000);
  expectGoodEnds(form, { from, to }, redeployed);
});

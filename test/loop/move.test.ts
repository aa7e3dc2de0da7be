// From one Kafka cluster to another while requests wait, in the steps of docs/operations.md: two logs that have nothing
// of each other, a bridge and a service on each.

import { afterAll, expect, test } from "vitest";
import { useCleanups } from "../support/cleanups.ts";
import {
  deployedOptions,
  settledLedger,
  startClusterBehind,
  startOne,
  startWaiting,
  type ClusterBehind,
} from "../support/deployed-loop.ts";
import { makeRegistry, startDeployment } from "../support/deployment.ts";
import { credentialsFor } from "../support/loop.ts";
import { buildAtHand } from "../support/previous-build.ts";

const later = useCleanups();
const [gatewayBuild, formerBuild] = await Promise.all([buildAtHand(), buildAtHand("former-cluster-entry")]);
afterAll(() => Promise.all([gatewayBuild.remove(), formerBuild.remove()]));

const on = ({ bridgeUrl }: ClusterBehind, version: string) => ({
  build: gatewayBuild.atHand,
  version,
  variables: credentialsFor(bridgeUrl),
});

test("requests that wait for the old cluster are answered from it, new ones from the new, and no key is carried out twice", async () => {
  const [old, next] = [await startClusterBehind(later), await startClusterBehind(later)];
  const shared = {
    options: deployedOptions(),
    registry: await makeRegistry(later),
    bridgeUrl: old.bridgeUrl,
  };
  const theirs = { waitersOf: "hearback", drainOf: "hearback" };
  const objects = await startDeployment({ ...shared, name: "hearback", code: on(old, "old") }, later);
  const before = await startDeployment(
    { ...shared, name: "gateway", code: on(old, "old"), ...theirs },
    later,
  );
  let front = before;
  const waiting = { early: { plain: 4, keyed: 4, wait: 4, async: 4 }, last: { plain: 4, keyed: 4 } };
  const { callers } = await startWaiting(waiting, () => front.url, objects, old.echo);

  const former = await startDeployment(
    {
      ...shared,
      name: "former-cluster",
      code: { build: formerBuild.atHand, version: "" },
      waitersOf: "hearback",
      isUnmarked: true,
    },
    later,
  );
  await former.tick();
  front = await startDeployment({ ...shared, name: "next-gateway", code: on(next, "new"), ...theirs }, later);
  await objects.deploy(on(next, "new"));

  for (const { nonce } of callers) await old.echo.release(nonce);
  const ends = await Promise.all(callers.map(({ ended }) => ended));
  expect(
    ends.filter(({ fate, cameBack }) => fate !== "answered" || cameBack !== "over its connection"),
  ).toEqual([]);

  const again = await Promise.all(ends.map(({ askAgain }) => askAgain()));
  const durable = ends.flatMap(({ kind, nonce }) =>
    kind === "plain" ? [] : [{ text: nonce, version: "new" }],
  );
  expect(again.filter((each) => each !== undefined)).toEqual(durable);
  expect([old.echo.received, next.echo.received]).toEqual([24, 0]);

  const newOnes = await Promise.all(
    (["plain", "keyed"] as const).map((kind) => startOne(kind, () => front.url, next.echo)),
  );
  for (const { nonce } of newOnes) await next.echo.release(nonce);
  const newEnds = await Promise.all(newOnes.map(({ ended }) => ended));
  expect(newEnds.map(({ fate }) => fate)).toEqual(["answered", "answered"]);
  expect([old.echo.received, next.echo.received]).toEqual([24, 2]);
  const ledger = await settledLedger(front, 2);
  expect([ledger.balanced, ledger.settled]).toEqual([true, 2]);
  await former.tick();
  expect(former.lines).toEqual(
    [0, 24].map(
      (read) => `hearback: the drain is polling: ${read} replies read on 3 partitions, 0 in flight`,
    ),
  );
});

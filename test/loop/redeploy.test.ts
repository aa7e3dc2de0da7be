// New code in the middle of waits. A thousand of them, and other builds, are in test/long/redeploy.test.ts.

import { afterAll, expect, test } from "vitest";
import { useCleanups } from "../support/cleanups.ts";
import { buildAtHand } from "../support/previous-build.ts";
import { expectGoodEnds, redeployForms, redeployUnderWaits } from "../support/redeploy.ts";

const later = useCleanups();
const { atHand, remove } = await buildAtHand();
afterAll(() => remove());

test.each(redeployForms)(
  "forty callers wait while new code comes to %s: the durable ones are all answered",
  async (form) => {
    const deploy = { from: { build: atHand, version: "first" }, to: { build: atHand, version: "second" } };
    const waiting = {
      early: { plain: 8, keyed: 8, wait: 4, async: 8 },
      last: { plain: 6, keyed: 6 },
    };
    const redeployed = await redeployUnderWaits(form, deploy, waiting, later);
    expect(redeployed.ends).toHaveLength(40);
    expectGoodEnds(form, deploy, redeployed);
  },
);

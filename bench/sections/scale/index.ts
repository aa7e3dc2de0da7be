// The section "scale": which sizes are measured, how large they are in a full run and in a small one. What is done with
// each is in the file of its name.

import type { Contender } from "../../contenders/contender.ts";
import type { PlannedUnit, UnitContext, UnitResult } from "../unit.ts";
import { measureAsync } from "./async.ts";
import { measureBodies } from "./bodies.ts";
import { measureBurst } from "./burst.ts";
import { measureOpen } from "./open.ts";
import { measureOverload } from "./overload.ts";
import { measureServices } from "./services.ts";

/** Where the comparison was not run before. */
const guessedKnee = 600;

export function planScale(hearback: Contender): readonly PlannedUnit[] {
  const unit = (
    name: string,
    seconds: number,
    run: (context: UnitContext) => Promise<UnitResult>,
  ): PlannedUnit => ({
    name: `scale-${name}`,
    section: "scale",
    contender: hearback,
    seconds,
    async run(context) {
      const result = await run(context);
      // JSON has no word for what could not be seen, as the percentile of nothing.
      return { ...result, figures: result.figures.filter(({ value }) => Number.isFinite(value)) };
    },
  });
  return [
    unit("open-1000", 35, (context) =>
      measureOpen(
        {
          subject: "open-1000",
          runtimes: 1,
          storage: "memory",
          count: context.isSmoke ? 50 : 1_000,
          perSecond: context.isSmoke ? 50 : 500,
          timeoutMs: context.isSmoke ? 3_500 : 8_000,
        },
        context,
      ),
    ),
    unit("open-10000", 45, (context) =>
      measureOpen(
        {
          subject: "open-10000",
          runtimes: 2,
          storage: "memory",
          count: context.isSmoke ? 100 : 10_000,
          // Longer than 10 s, since two cores do not open so many in less: so they are kept from eviction.
          perSecond: context.isSmoke ? 100 : 600,
          timeoutMs: context.isSmoke ? 3_500 : 25_000,
          keepsWaiters: true,
        },
        context,
      ),
    ),
    unit("open-disk", 65, (context) =>
      measureOpen(
        {
          subject: "open-disk",
          runtimes: 1,
          storage: "disk",
          // Three descriptors of each object, two of its caller; objects leave memory after 10 s.
          count: context.isSmoke ? 50 : 3_500,
          perSecond: context.isSmoke ? 50 : 300,
          timeoutMs: context.isSmoke ? 3_500 : 22_000,
        },
        context,
      ),
    ),
    unit("burst-10000", 40, (context) =>
      measureBurst(
        {
          subject: "burst-10000",
          runtimes: 2,
          count: context.isSmoke ? 100 : 10_000,
          perSecond: context.isSmoke ? 100 : 500,
        },
        context,
      ),
    ),
    unit("bodies", 50, (context) =>
      measureBodies(
        [
          { bytes: 1_000, perSecond: 100, seconds: 5 },
          { bytes: 100_000, perSecond: 20, seconds: 6 },
          // As many as the gateway takes where nobody set another limit.
          { bytes: 1_000_000, perSecond: 4, seconds: 8 },
        ].map((load) => (context.isSmoke ? { ...load, perSecond: 5, seconds: 1 } : load)),
        context,
      ),
    ),
    unit("services", 80, (context) =>
      measureServices(
        context.isSmoke
          ? [
              { count: 1, sharesReplies: false },
              { count: 3, sharesReplies: true },
            ]
          : [
              { count: 1, sharesReplies: false },
              { count: 10, sharesReplies: false },
              { count: 100, sharesReplies: false },
              { count: 100, sharesReplies: true },
            ],
        context.isSmoke
          ? { perSecond: 20, seconds: 1, quietMs: 500 }
          : { perSecond: 100, seconds: 5, quietMs: 3_000 },
        context,
      ),
    ),
    ...[2, 3].map((factor) =>
      unit(`overload-${factor}`, 45, (context) => {
        const knee = context.kneeOf("hearback-memory");
        return measureOverload(
          {
            subject: `overload-${factor}`,
            perSecond: context.isSmoke ? 50 * factor : (knee ?? guessedKnee) * factor,
            seconds: context.isSmoke ? 1 : 10,
            isGuess: knee === undefined,
          },
          context,
        );
      }),
    ),
    // Last: it is the longest.
    unit("async-30000", 200, (context) =>
      measureAsync(
        {
          subject: "async-30000",
          count: context.isSmoke ? 40 : 30_000,
          runtimes: context.isSmoke ? 2 : 6,
          quietMs: context.isSmoke ? 500 : 3_000,
        },
        context,
      ),
    ),
  ];
}

// A chaos run of seconds: what the long ones do for minutes.

import { describe, expect, inject, test } from "vitest";
import { check } from "../chaos/checker/index.ts";
import { targets } from "../chaos/journal.ts";
import { brief } from "../chaos/presets.ts";
import { runChaos } from "../chaos/run.ts";
import { readSummary } from "../chaos/report/summary.ts";
import { temporaryFolder } from "../support/bridge.ts";
import { useCleanups } from "../support/cleanups.ts";

const later = useCleanups();

describe.skipIf(inject("kafkaBrokers") === null)(
  "a loop under load whose parts are killed and stopped",
  () => {
    test("keeps what it promised to all who asked meanwhile", { timeout: 120_000 }, async () => {
      const folder = await temporaryFolder();
      await runChaos({ ...brief, seed: 1, minutes: 0.25, targets, folder, progress: () => undefined }, later);
      const { faults, answers, calls } = readSummary(folder);
      expect((await check(folder)).violations).toEqual([]);
      expect(faults.length).toBeGreaterThanOrEqual(4);
      expect(calls.length).toBeGreaterThan(100);
      expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["plain", "keyed", "async"]));
    });
  },
);

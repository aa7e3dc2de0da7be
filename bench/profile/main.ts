// `npm run bench:profile`: where the time and the CPU of one exchange go, as a page and flame graphs.

import { mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanUpOnExit } from "../../dev/cleanups.ts";
import { optionsOrExit } from "../../dev/command-line.ts";
import { commitAtHand } from "../../dev/commit.ts";
import { machineAtHand } from "../machine.ts";
import { flameGraph } from "./flame.ts";
import { parseProfileOptions } from "./options.ts";
import { profilePage } from "./report.ts";
import { profileCpu, timeSteps } from "./run.ts";

const { rate, seconds, stepsRate, results } = optionsOrExit(parseProfileOptions(process.argv.slice(2)));
const say = (line: string): void => console.log(`profile  │ ${line}`);
const cleanups = cleanUpOnExit();
const folder = await mkdtemp(join(tmpdir(), "hearback-profile-"));
cleanups.later(() => rm(folder, { recursive: true, force: true }));

try {
  const stepsLoad = { rate: stepsRate, seconds };
  say(`the steps of exchanges, at ${stepsRate}/s for ${seconds} s`);
  const marks = await timeSteps({ folder, say }, stepsLoad);
  say(`CPU, at ${rate}/s for ${seconds} s`);
  const cpu = await profileCpu({ folder, say }, { rate, seconds });

  mkdirSync(results, { recursive: true });
  const answered = cpu.measurement.fates["right"] ?? 0;
  const graphs = new Map<string, string>();
  for (const { name, stacks } of cpu.processes) {
    if (stacks === undefined) continue;
    const ms = stacks.reduce((sum, stack) => sum + stack.ms, 0) / answered;
    const title = `JavaScript and garbage collection of ${name}: ${ms.toFixed(2)} ms of CPU per exchange at ${rate}/s`;
    graphs.set(name, `profile-${name}.svg`);
    writeFileSync(join(results, `profile-${name}.svg`), flameGraph(title, stacks));
  }
  const page = profilePage({
    machine: machineAtHand(),
    commit: commitAtHand(),
    marks,
    stepsLoad,
    cpu,
    graphs,
  });
  writeFileSync(join(results, "profile.md"), page);
  say(`${join(results, "profile.md")} has it all`);
  await cleanups.end(0);
} catch (cause) {
  console.error(cause);
  await cleanups.end(1);
}

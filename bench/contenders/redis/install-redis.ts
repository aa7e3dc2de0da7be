// Debian's redis-server, where it is not there yet. What is wanted of the package is the program: the system's service of it
// is ended and stays off.

import { spawnSync } from "node:child_process";
import { runCommand } from "../support/run-command.ts";

/** Rejects with a sentence when it is missing and cannot be installed. */
export async function installRedis(onLine: (line: string) => void): Promise<void> {
  if (spawnSync("redis-server", ["--version"]).status === 0) return;
  onLine("apt-get install redis-server");
  const options = { cwd: "/", env: { DEBIAN_FRONTEND: "noninteractive" }, onLine };
  try {
    await runCommand("apt-get", ["update"], options);
    await runCommand("apt-get", ["install", "-y", "--no-install-recommends", "redis-server"], options);
  } catch (cause) {
    throw new Error("There is no redis-server, and apt-get cannot install it: install it by hand.", {
      cause,
    });
  }
  // Either may fail where no service manager runs, and where none runs nothing was started.
  spawnSync("service", ["redis-server", "stop"]);
  spawnSync("systemctl", ["disable", "redis-server"]);
}

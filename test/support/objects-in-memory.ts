// Where the objects of gateways that a test starts are kept: 200 new ones a second are more than ext4 gives files
// to, beside everything else on two cores.

import { existsSync } from "node:fs";

/** From now on in memory, where the machine has a folder for it. `undo` puts it back. */
export function keepObjectsInMemory(): { readonly where: "on tmpfs" | "on disk"; readonly undo: () => void } {
  if (!existsSync("/dev/shm")) return { where: "on disk", undo: () => {} };
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = "/dev/shm";
  return {
    where: "on tmpfs",
    undo() {
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
    },
  };
}

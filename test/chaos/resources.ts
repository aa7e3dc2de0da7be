// Memory and open files of every process of a run, every few seconds.

import { openFiles, rssMiB } from "../support/process-resources.ts";
import { openJournal } from "./journal-file.ts";

const everyMs = 5_000;

/** Until what it returns is called. */
export function sampleResources(folder: string, pids: () => Readonly<Record<string, number>>): () => void {
  const journal = openJournal(folder, "resources");
  const sample = (): void => {
    const at = Date.now();
    for (const [process, pid] of Object.entries(pids())) {
      try {
        journal.write({ at, process, rssMiB: Math.round(rssMiB(pid)), openFiles: openFiles(pid) });
      } catch {
        // It is down at this moment.
      }
    }
  };
  const sampling = setInterval(sample, everyMs);
  let isOpen = true;
  return () => {
    clearInterval(sampling);
    if (isOpen) journal.close();
    isOpen = false;
  };
}

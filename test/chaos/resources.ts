// Memory and open files of every process of a run, every few seconds.

import { openFiles, rssMiB } from "../support/process-resources.ts";
import { openJournal } from "./journal-file.ts";

const everyMs = 5_000;

/** `processes`: process IDs by name, of what runs at that moment. Until what it returns is called. */
export function sampleResources(
  folder: string,
  processes: Readonly<Record<string, () => number>>,
): () => void {
  const journal = openJournal(folder, "resources");
  const sample = (): void => {
    const at = Date.now();
    for (const [process, pidNow] of Object.entries(processes)) {
      try {
        const pid = pidNow();
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

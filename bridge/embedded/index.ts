// Opens the embedded backend: a log kept by this process, in memory or in files, and its groups.

import { backendOf, type Backend } from "../../kafka/log/index.ts";
import { openEmbeddedGroups } from "./embedded-groups.ts";
import { openEmbeddedLog, type EmbeddedLog, type EmbeddedLogOptions } from "./embedded-log.ts";
import { openLogFiles } from "./log-files.ts";
import { openOffsetsFile } from "./offsets-file.ts";

export { openEmbeddedGroups } from "./embedded-groups.ts";
export * from "./embedded-log.ts";
export * from "./log-files.ts";
export * from "./offsets-file.ts";

export interface EmbeddedOptions extends Omit<EmbeddedLogOptions, "store"> {
  /** Folder that keeps records and committed offsets; without it, both go with the process. */
  readonly state?: string;
}

/** Throws when a declared topic breaks the rules or the folder cannot be read. */
export function openEmbedded({ state, ...options }: EmbeddedOptions = {}): Backend<EmbeddedLog> {
  const log = openEmbeddedLog({ ...options, ...(state === undefined ? {} : { store: openLogFiles(state) }) });
  const groups = openEmbeddedGroups({
    log,
    ...(state === undefined ? {} : { store: openOffsetsFile(state) }),
  });
  return backendOf(log, groups);
}

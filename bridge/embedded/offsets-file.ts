// Committed offsets in a file, `groups.json` next to the embedded log's own. It decides how they lie there;
// when they are written is decided in committed-offsets.ts.

import { mkdirSync, readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TopicPartition } from "../../kafka/log/index.ts";

export interface StoredGroup {
  readonly group: string;
  readonly offsets: readonly (TopicPartition & { readonly offset: number })[];
}

/** Where committed offsets are kept. */
export interface OffsetsStore {
  read(): readonly StoredGroup[];
  /** Replaces what is kept, or rejects and leaves it as it was. Never called again before it has ended. */
  save(groups: readonly StoredGroup[]): Promise<void>;
}

/**
 * The file is replaced by rename, so that a reader finds the old or the new offsets, never half of them. There is
 * no fsync, as for the log. Throws when the folder cannot be used; reading throws when the file is not one of ours.
 */
export function openOffsetsFile(folder: string): OffsetsStore {
  const path = join(folder, "groups.json");
  const written = `${path}.new`;
  mkdirSync(folder, { recursive: true });
  return {
    read() {
      let text: string;
      try {
        text = readFileSync(path, "utf8");
      } catch (cause) {
        if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return [];
        throw cause;
      }
      const groups: unknown = JSON.parse(text);
      if (!Array.isArray(groups) || !groups.every(isStoredGroup)) {
        throw new TypeError(`${path} is not a list of groups`);
      }
      return groups;
    },

    async save(groups) {
      await writeFile(written, JSON.stringify(groups));
      await rename(written, path);
    },
  };
}

function isStoredGroup(value: unknown): value is StoredGroup {
  if (typeof value !== "object" || value === null) return false;
  const { group, offsets }: { group?: unknown; offsets?: unknown } = value;
  return typeof group === "string" && Array.isArray(offsets) && offsets.every(isStoredOffset);
}

function isStoredOffset(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { topic, partition, offset }: { topic?: unknown; partition?: unknown; offset?: unknown } = value;
  return typeof topic === "string" && Number.isInteger(partition) && Number.isInteger(offset);
}

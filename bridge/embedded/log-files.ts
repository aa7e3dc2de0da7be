// The embedded log in files: a topics file, and per partition a few append-only segments. It decides where
// bytes lie and when files go; record-frames.ts decides what the bytes mean.
//
//   topics.json                         names, identities, partition counts; replaced by rename
//   <identity>/<partition>-<offset>.log records from that offset on
//
// Folders are named by identity, so that topics that differ only in case stay apart on every file system.
// Several segments rather than one file: dropping the oldest records is then the removal of a file, where
// rewriting one of 64 MiB would stall every request for as long as that takes.

import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { KafkaRecord } from "../../protocol/index.ts";
import type { LogStore, StoredTopic } from "./embedded-log.ts";
import { decodeFrames, encodeFrames } from "./record-frames.ts";

export interface LogFilesOptions {
  /** A segment that has reached this size is followed by a new one. Default 8 MiB. */
  readonly segmentBytes?: number;
}

interface Segment {
  readonly path: string;
  readonly base: number;
}

interface PartitionFiles {
  readonly segments: Segment[];
  /** Of the last segment. What lies beyond is torn, and cut before the first write. */
  validBytes: number;
  descriptor?: number;
}

/**
 * Keeps the log below `folder`, which is created. Whatever was appended survives the end of this process at
 * any moment: the bytes are with the operating system before a produce is acknowledged. There is no fsync, so a
 * crash of the machine may lose the newest records. Opening and reading change no file; one process at a time
 * may append. Throws when the folder or its topics file cannot be used.
 */
export function openLogFiles(folder: string, options: LogFilesOptions = {}): LogStore {
  const segmentBytes = options.segmentBytes ?? 8 * 1024 * 1024;
  const topicsPath = join(folder, "topics.json");
  const partitions = new Map<string, PartitionFiles>();
  mkdirSync(folder, { recursive: true });

  function filesOf(topic: StoredTopic, partition: number): PartitionFiles {
    const name = `${topic.id}/${partition}`;
    const known = partitions.get(name);
    if (known !== undefined) return known;
    const files: PartitionFiles = { segments: [], validBytes: 0 };
    partitions.set(name, files);
    return files;
  }

  /** The descriptor to append to, with the torn tail cut off and a new segment begun where one is due. */
  function openForAppend(
    topic: StoredTopic,
    partition: number,
    files: PartitionFiles,
    offset: number,
  ): number {
    if (files.descriptor !== undefined && files.validBytes < segmentBytes) return files.descriptor;
    if (files.descriptor !== undefined) {
      closeSync(files.descriptor);
      delete files.descriptor;
    }
    const last = files.segments.at(-1);
    if (last !== undefined && files.validBytes < segmentBytes) {
      const descriptor = openSync(last.path, "r+");
      ftruncateSync(descriptor, files.validBytes);
      files.descriptor = descriptor;
      return descriptor;
    }
    const topicFolder = join(folder, topic.id);
    mkdirSync(topicFolder, { recursive: true });
    const path = join(topicFolder, `${partition}-${offset}.log`);
    const descriptor = openSync(path, "w");
    files.segments.push({ path, base: offset });
    files.validBytes = 0;
    files.descriptor = descriptor;
    return descriptor;
  }

  return {
    topics() {
      return readTopics(topicsPath);
    },

    *read(topic, partition) {
      const files = filesOf(topic, partition);
      const segments = findSegments(join(folder, topic.id), partition);
      // Offsets must go on without a gap. After a hole, which only a crash of the machine can leave, what
      // lies before it is given up: the newest unbroken run counts.
      let run: (readonly KafkaRecord[])[] = [];
      let next = -1;
      for (const segment of segments) {
        const bytes = readFileSync(segment.path);
        const { records, validBytes } = decodeFrames(bytes, { topic: topic.name, partition });
        files.segments.push(segment);
        files.validBytes = validBytes;
        const first = records[0];
        if (first === undefined) continue;
        if (first.offset !== next) run = [];
        run.push(records);
        next = first.offset + records.length;
      }
      yield* run;
    },

    saveTopics(topics) {
      const written = `${topicsPath}.new`;
      writeFileSync(written, JSON.stringify(topics));
      renameSync(written, topicsPath);
    },

    append(topic, partition, records) {
      const first = records[0];
      if (first === undefined) return;
      const files = filesOf(topic, partition);
      const descriptor = openForAppend(topic, partition, files, first.offset);
      const bytes = encodeFrames(records);
      try {
        let written = 0;
        // One write, except where the system takes less than it was given.
        while (written < bytes.length) {
          written += writeSync(
            descriptor,
            bytes,
            written,
            bytes.length - written,
            files.validBytes + written,
          );
        }
      } catch (cause) {
        // Whole frames of a refused batch must not come back to life behind a shorter later one.
        ftruncateSync(descriptor, files.validBytes);
        throw cause;
      }
      files.validBytes += bytes.length;
    },

    drop(topic, partition, offset) {
      const { segments } = filesOf(topic, partition);
      for (let second = segments[1]; second !== undefined && second.base <= offset; second = segments[1]) {
        const oldest = segments.shift();
        if (oldest !== undefined) rmSync(oldest.path, { force: true });
      }
    },

    close() {
      for (const files of partitions.values()) {
        if (files.descriptor !== undefined) closeSync(files.descriptor);
        delete files.descriptor;
      }
    },
  };
}

function readTopics(path: string): readonly StoredTopic[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (isNotFound(cause)) return [];
    throw cause;
  }
  const topics: unknown = JSON.parse(text);
  if (!Array.isArray(topics) || !topics.every(isStoredTopic)) {
    throw new TypeError(`${path} is not a list of topics`);
  }
  return topics;
}

function isStoredTopic(value: unknown): value is StoredTopic {
  if (typeof value !== "object" || value === null) return false;
  const { name, id, partitions }: { name?: unknown; id?: unknown; partitions?: unknown } = value;
  // The identity becomes a folder's name: nothing but a UUID may do so.
  return (
    typeof name === "string" &&
    typeof id === "string" &&
    /^[0-9a-f-]{36}$/.test(id) &&
    Number.isInteger(partitions)
  );
}

function findSegments(topicFolder: string, partition: number): Segment[] {
  let names: string[];
  try {
    names = readdirSync(topicFolder);
  } catch (cause) {
    if (isNotFound(cause)) return [];
    throw cause;
  }
  const segments: Segment[] = [];
  for (const name of names) {
    const [, ofPartition, base] = /^(\d+)-(\d+)\.log$/.exec(name) ?? [];
    if (Number(ofPartition) === partition)
      segments.push({ path: join(topicFolder, name), base: Number(base) });
  }
  return segments.toSorted((one, other) => one.base - other.base);
}

function isNotFound(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}

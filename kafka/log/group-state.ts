// Whether a group that reads a topic is there, and keeps up: from its members, what it committed, and the age of what
// it did not. Reads no record. What becomes of it is the asker's business.

import type { GroupState } from "../../protocol/index.ts";
import type { Groups } from "./groups.ts";
import type { Log } from "./log.ts";

/**
 * `before` is epoch ms. A partition where nothing is committed says nothing: where the group would begin to read is
 * known to its members alone. Throws `LogUnavailable`.
 */
export async function groupStateOf(
  log: Pick<Log, "offsets" | "partitionCount">,
  groups: Pick<Groups, "memberCount" | "committed">,
  { group, topic, before }: { readonly group: string; readonly topic: string; readonly before: number },
): Promise<GroupState> {
  const count = await log.partitionCount(topic);
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
  const members = await groups.memberCount(group);
  if (members === 0 || count === 0) return { members, isBehind: false };
  const [committed, earliest, since] = await Promise.all([
    groups.committed(group, partitions),
    log.offsets("earliest", partitions),
    log.offsets(before, partitions),
  ]);
  const isBehind = committed.some(({ offset }, at) => {
    // What retention has taken away is owed by nobody.
    const next = Math.max(offset, earliest[at]?.offset ?? 0);
    return offset >= 0 && next < (since[at]?.offset ?? 0);
  });
  return { members, isBehind };
}

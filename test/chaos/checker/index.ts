// The checker of a chaos run. It shares no code with the gateway: what it knows are the journals of the run, both topics
// and docs/protocol.md. Reading is here, judging in judge.ts.

import { readJournals } from "./folder.ts";
import { judge, type CheckReport } from "./judge.ts";
import { readReplyRecord, readRequestRecord } from "./records.ts";
import { readTopic } from "./topics.ts";

export { rules, type RuleName } from "./rules.ts";
export type { CheckReport } from "./judge.ts";

/** `folder` is that of a run whose brokers still run. */
export async function check(folder: string): Promise<CheckReport> {
  const journals = readJournals(folder);
  const { brokers, requestTopic, replyTopic } = journals.run;
  const [requests, replies] = await Promise.all([
    readTopic(brokers, requestTopic),
    readTopic(brokers, replyTopic),
  ]);
  const readRequests = requests.records.map(readRequestRecord);
  const readReplies = replies.records.map(readReplyRecord);
  return judge({
    ...journals,
    requests: readRequests.filter((record) => typeof record !== "string"),
    replies: readReplies.filter((record) => typeof record !== "string"),
    replyEnds: replies.ends,
    unreadable: [...readRequests, ...readReplies].filter((record) => typeof record === "string"),
  });
}

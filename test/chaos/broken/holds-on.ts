// A gateway that keeps one plain answer in twenty to itself until long after the deadline.

import { changedAnswers } from "./parts/changed-answers.ts";
import { everyNth } from "./parts/every-nth.ts";

export { ReplyDrain, Waiter } from "../../../worker/library.ts";

const isOneInTwenty = everyNth(20);
const farTooLongMs = 30_000;

export default changedAnswers(async (body, path) => {
  if (path === "/plain" && isOneInTwenty()) await scheduler.wait(farTooLongMs);
  return body;
});

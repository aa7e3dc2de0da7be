// A gateway that gives one plain caller in twenty what the caller before was given.

import { changedAnswers } from "./parts/changed-answers.ts";
import { everyNth } from "./parts/every-nth.ts";

export { ReplyDrain, Waiter } from "../../../worker/library.ts";

const isOneInTwenty = everyNth(20);
let before: string | undefined;

export default changedAnswers((body, path) => {
  if (path !== "/plain") return body;
  const given = isOneInTwenty() ? (before ?? body) : body;
  before = body;
  return given;
});

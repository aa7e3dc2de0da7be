// A gateway that gives one answer in twenty a nonce of its own.

import { everyNth } from "./parts/every-nth.ts";
import { changedAnswers } from "./parts/changed-answers.ts";

export { ReplyDrain, Waiter } from "../../../worker/library.ts";

const isOneInTwenty = everyNth(20);

export default changedAnswers((body) =>
  isOneInTwenty() ? body.replace(/"nonce":"[^"]*"/, `"nonce":"${crypto.randomUUID()}"`) : body,
);

// A gateway that lets one plain caller in twenty go with a 200 and nothing in it.

import { changedAnswers } from "./parts/changed-answers.ts";
import { everyNth } from "./parts/every-nth.ts";

export { ReplyDrain, Waiter } from "../../../worker/library.ts";

const isOneInTwenty = everyNth(20);

export default changedAnswers((body, path) => (path === "/plain" && isOneInTwenty() ? null : body));

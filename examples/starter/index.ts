import { createGateway } from "hearback";
import config from "./hearback.config.ts";

export { ReplyDrain, Waiter } from "hearback";
export default createGateway(config);

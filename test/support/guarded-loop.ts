// The loop for tests of what the gateway lets through: a bridge over a log in this process, the gateway with guarded
// services in workerd, and a responder that answers what the request's query tells it to, or else what it was asked.

import { openEmbeddedLog } from "../../bridge/index.ts";
import { createResponder, type HandlerReply } from "../../responder/index.ts";
import { rateLimits, replyTopic, requestTopic } from "../fixtures/loop/guarded-config.ts";
import { bridgeOver } from "./embedded-bridge.ts";
import { credentialsFor, password, user } from "./loop.ts";
import { startRestartableGateway, type RestartableGateway } from "./restartable-gateway.ts";

/** What the responder got, as its answer says. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: string | null;
  readonly key: string;
  readonly contentEncoding: string | null;
  /** Base64. */
  readonly body: string;
}

/** As a query: what the responder is to answer; a body in `base64` is bytes. */
export function answering(reply: HandlerReply & { readonly base64?: string }): string {
  return `?answer=${encodeURIComponent(JSON.stringify(reply))}`;
}

/** All of it is undone by `later`. */
export async function startGuardedLoop(later: (cleanup: () => unknown) => void): Promise<RestartableGateway> {
  const log = openEmbeddedLog({
    topics: new Map([
      [requestTopic, 1],
      [replyTopic, 1],
    ]),
  });
  const bridge = await bridgeOver(log, later);
  const responder = createResponder({
    kafka: { bridge: bridge.url, username: user, password },
    topic: requestTopic,
    replyTopics: [replyTopic],
    onEvent: () => undefined,
    handler(request): HandlerReply {
      const answer = request.query.get("answer");
      if (answer !== null) {
        const { base64, ...reply } = JSON.parse(answer) as HandlerReply & { base64?: string };
        return base64 === undefined ? reply : { ...reply, body: Buffer.from(base64, "base64") };
      }
      const seen: Seen = {
        method: request.method ?? "",
        path: request.path ?? "",
        query: request.header("X-Http-Query") ?? null,
        key: request.key ?? "",
        contentEncoding: request.header("Content-Encoding") ?? null,
        body: Buffer.from(request.body).toString("base64"),
      };
      return { json: seen };
    },
  });
  const running = responder.run();
  later(() => {
    responder.stop();
    return running;
  });
  return startRestartableGateway(
    {
      entry: "test/fixtures/loop/guarded-entry.ts",
      name: "hearback-guarded",
      rateLimits,
      variables: { ...credentialsFor(bridge.url), HEARBACK_OPERATOR_TOKEN: "operators" },
    },
    later,
  );
}

// The loop for tests of callbacks: a service that answers at once, and a gateway in a workerd that can be killed, which
// may call receivers on this machine, unless it is told not to. Its secrets are in the middle of a rotation.

import { startRestartableGateway, type RestartableGateway } from "./restartable-gateway.ts";
import { credentialsFor, startMemoryBridge, startModel } from "./loop.ts";

/** One is the new one, one the old one: a receiver may have either. */
export const callbackSecrets = [1, 2].map((fill) => `whsec_${Buffer.alloc(32, fill).toString("base64")}`) as [
  string,
  string,
];

/** All of it is undone by `later`. */
export async function startCallbackLoop(
  later: (cleanup: () => unknown) => void,
  { isOpen = true }: { readonly isOpen?: boolean } = {},
): Promise<RestartableGateway> {
  const bridge = await startMemoryBridge();
  later(() => bridge.stop());
  const model = startModel(bridge.url, () => undefined);
  later(() => model.finish());
  return startRestartableGateway(
    {
      entry: "test/fixtures/loop/routed-entry.ts",
      name: "hearback-callbacks",
      variables: {
        ...credentialsFor(bridge.url),
        CALLBACK_SECRET: callbackSecrets.join(" "),
        ...(isOpen ? { HEARBACK_CALLBACK_TARGETS: "open" } : {}),
        GATEWAY_OPTIONS: JSON.stringify({
          services: {
            predict: {
              route: "POST /predict",
              requestTopic: "inference.requests.v1",
              replyTopic: "inference.replies.v1",
              replyPartitions: 3,
              callbacks: { hosts: ["hooks.example.com"], secret: "CALLBACK_SECRET" },
            },
          },
        }),
      },
    },
    later,
  );
}

/** Asks for a prediction that is told to `callbackUrl`. */
export function postWithCallback(gateway: RestartableGateway, callbackUrl: string): Promise<Response> {
  return fetch(`${gateway.url}/predict`, {
    method: "POST",
    headers: { "content-type": "application/json", prefer: "respond-async", "x-callback-url": callbackUrl },
    body: JSON.stringify({ id: "txn_1", features: [0.5, 0.3] }),
  });
}

/** Resolves with where it can be asked for. */
export async function askWithCallback(gateway: RestartableGateway, callbackUrl: string): Promise<string> {
  const response = await postWithCallback(gateway, callbackUrl);
  const location = response.headers.get("location");
  if (response.status !== 202 || location === null)
    throw new Error(`it was answered with ${response.status}`);
  return location;
}

/** How far the callback has come, as the gateway says. */
export async function callbackStatusAt(gateway: RestartableGateway, location: string): Promise<string> {
  const response = await fetch(`${gateway.url}${location}`, { method: "HEAD" });
  return response.headers.get("x-callback-status") ?? "";
}

// What of a process's environment is for the Worker of its sidecar. Pure; the bridge's credentials are made elsewhere.

import { readSigningSecrets } from "../protocol/index.ts";
import { apiKeySecrets } from "../worker/access/credentials.ts";
import type { Service } from "../worker/config.ts";
import { callbackSecrets } from "../worker/config/callbacks.ts";

/** Throws an Error in words when something is missing that the service cannot do without. */
export function variablesOf(
  service: Pick<Service, "authentication" | "callbacks" | "correlationIds">,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const { CORRELATION_ID_SECRET: secret = "", HEARBACK_OPERATOR_TOKEN: token = "" } = environment;
  const uuidSecrets = readSigningSecrets(secret);
  if (service.correlationIds === "uuid" && !uuidSecrets.ok) {
    throw new Error(`CORRELATION_ID_SECRET ${uuidSecrets.problem}, because the service uses UUIDs`);
  }
  const lists = apiKeySecrets([service]).map((name) => {
    const list = environment[name];
    if (!list) throw new Error(`${name} is not set, which holds the API keys of the service`);
    return [name, list] as const;
  });
  const callbackKeys = callbackSecrets([service]).map((name) => {
    const secrets = environment[name];
    if (!secrets) throw new Error(`${name} is not set, which signs the callbacks of the service`);
    return [name, secrets] as const;
  });
  return {
    ...(secret === "" ? {} : { CORRELATION_ID_SECRET: secret }),
    ...(token === "" ? {} : { HEARBACK_OPERATOR_TOKEN: token }),
    ...Object.fromEntries([...lists, ...callbackKeys]),
  };
}

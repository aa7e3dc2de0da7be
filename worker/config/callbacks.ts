// Options of callbacks: types and forms. Which URLs they allow is in http/callback-url.ts, what becomes of a callback in
// durable/.

import * as v from "valibot";
import { isPublicName } from "../http/callback-url.ts";
import { secretName } from "./forms.ts";

/** Where clients may have the end of their requests told, and who signs it. */
export interface CallbackOptions {
  /**
   * `"hooks.example.com"`, or `"*.example.com"` for every name below it; with `:8443` that port in place of 443. Who may
   * have names below a domain should be who may be called.
   */
  readonly hosts: readonly string[];
  /** Name of the secret that signs: `whsec_` and base64, several with spaces between. */
  readonly secret: string;
}

/** Anything below a domain of one label would be almost everybody. */
const hostForm = /^(?:\*\.(?=[^.]+\.))?([^*:]+)(?::([1-9]\d{0,4}))?$/;

function isHost(text: string): boolean {
  const [, name = "", port] = hostForm.exec(text) ?? [];
  return isPublicName(name) && port !== "443" && Number(port ?? 0) <= 65_535;
}

export const callbacksSchema = v.strictObject({
  hosts: v.pipe(
    v.array(
      v.pipe(
        v.string("a host is needed"),
        v.check(
          isHost,
          'must be a public name in lower case, such as "hooks.example.com", "*.example.com" or "hooks.example.com:8443"',
        ),
      ),
      "must be a list of hosts",
    ),
    v.minLength(1, "must have at least one host"),
  ),
  secret: secretName,
});

/** Names of the secrets that sign the callbacks of services, each once. */
export function callbackSecrets(
  services: readonly { readonly callbacks?: CallbackOptions | undefined }[],
): readonly string[] {
  return [...new Set(services.flatMap(({ callbacks }) => callbacks?.secret ?? []))];
}

// docs/protocol.md against the code: its example of a signature is one that the gateway would make.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { encodeText, parseWebhookSecrets, signWebhook } from "../../protocol/index.ts";

const text = readFileSync(fileURLToPath(new URL("../../docs/protocol.md", import.meta.url)), "utf8");

test("the signature by which a receiver of callbacks can be tried is the right one", async () => {
  const [, example = ""] = /To try a receiver: ([^]*?)\.\n/.exec(text) ?? [];
  const [secret = "", id = "", timestamp = "", body = "", signature] = [
    ...example.matchAll(/`([^`]+)`/g),
  ].map(([, quoted]) => quoted);
  const secrets = parseWebhookSecrets(secret);
  if (!secrets.ok) throw new Error(`the secret is not ${secrets.rule}`);
  const signed = await signWebhook(secrets.keys, {
    id,
    timestamp: Number(timestamp),
    body: encodeText(body),
  });
  expect(signature).toBe(signed);
});

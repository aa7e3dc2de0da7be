// `npm run api-key`: a key that nobody else has, shown once, and an entry that a list takes.

import { createHash } from "node:crypto";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { newApiKey } from "../../dev/api-key/new-key.ts";
import { parseApiKeyOptions } from "../../dev/api-key/options.ts";
import { parseApiKeys } from "../../worker/access/api-key-list.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("the command prints the entry, and beside it the key, once", async () => {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ["dev/api-key/main.ts", "--principal", "acme", "--expires", "2027-01-01T00:00:00Z"],
    { cwd: root },
  );
  const [, key = ""] = /^key, shown this once: (hbk_[\w-]{43})\n$/.exec(stderr) ?? [];
  const sha256 = createHash("sha256").update(key).digest("hex");
  expect(JSON.parse(stdout)).toEqual({ principal: "acme", sha256, expires: "2027-01-01T00:00:00Z" });
  expect(stdout).not.toContain(key);
  expect(parseApiKeys(`[${stdout}]`)).toMatchObject({ ok: true });
});

test("no two keys are the same", () => {
  const keys = Array.from({ length: 100 }, () => newApiKey({ principal: "acme" }).key);
  expect(new Set(keys).size).toBe(100);
});

test("what a list would not take is refused when the key is made", () => {
  expect(() => newApiKey({ principal: "acme", expires: "tomorrow" })).toThrow("--expires must be an instant");
  expect(() => newApiKey({ principal: "" })).toThrow("--principal must be a text of 1 to 255 characters");
  expect(parseApiKeyOptions([])).toMatchObject({ kind: "wrong" });
  expect(parseApiKeyOptions(["--principal", "acme", "more"])).toMatchObject({ kind: "wrong" });
  expect(parseApiKeyOptions(["--help"])).toMatchObject({ kind: "help" });
  expect(parseApiKeyOptions(["--principal", "acme"])).toEqual({
    kind: "run",
    options: { principal: "acme" },
  });
});

// What `wrangler deploy` would upload, for both forms of deployment and for a move to another cluster. Nothing is uploaded here: no account is
// needed, and none is looked for.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, parse } from "node:path";
import { unstable_readConfig } from "wrangler";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "../support/command.ts";

const configs = [
  "wrangler.toml",
  "worker/wrangler.toml",
  "consumer/wrangler.toml",
  "consumer/former-cluster.toml",
] as const;
type ConfigPath = (typeof configs)[number];

interface Upload {
  readonly code: number | null;
  readonly output: string;
  readonly exported: readonly string[];
}

interface Binding {
  readonly name: string;
  readonly class_name: string;
  readonly script_name?: string | undefined;
}

let folder: string;
const uploads = new Map<ConfigPath, Upload>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hearback-deploy-"));
  await Promise.all(configs.map(async (config) => uploads.set(config, await dryRun(config))));
}, 60_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

async function dryRun(config: ConfigPath): Promise<Upload> {
  const outdir = join(folder, config.replace("/", "-"));
  const command = runCommand(
    process.execPath,
    ["node_modules/wrangler/bin/wrangler.js", "deploy", "--dry-run", "--config", config, "--outdir", outdir],
    {
      env: {
        WRANGLER_SEND_METRICS: "false",
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
        // No login of whoever runs the tests, and no log left in their home.
        HOME: folder,
        XDG_CONFIG_HOME: folder,
        CLOUDFLARE_API_TOKEN: "",
        CLOUDFLARE_ACCOUNT_ID: "",
      },
    },
  );
  const code = await command.ended;
  const bundle =
    code === 0 ? await readFile(join(outdir, `${parse(read(config).main ?? "").name}.js`), "utf8") : "";
  const [, names = ""] = /export \{([^}]*)\};/.exec(bundle) ?? [];
  const exported = names.split(",").map((name) => name.trim().split(" as ").at(-1) ?? "");
  return { code, output: command.output(), exported };
}

const read = (config: ConfigPath) => unstable_readConfig({ config }, { hideWarnings: true });
const scriptOf = (config: ConfigPath) => read(config).name;

/** The classes whose objects live with this script once all its migrations are through. */
function classesOf(config: ConfigPath): string[] {
  const classes = new Set<string>();
  for (const { new_sqlite_classes: made = [], deleted_classes: gone = [] } of read(config).migrations) {
    for (const name of made) classes.add(name);
    for (const name of gone) classes.delete(name);
  }
  return [...classes];
}

test.each(configs)("%s can be bundled for a deployment, without an account or a warning", (config) => {
  const { code, output = "" } = uploads.get(config) ?? {};
  expect(code, output).toBe(0);
  expect(output).toContain("--dry-run: exiting now.");
  expect(output).not.toMatch(/WARNING|ERROR/);
});

test.each(configs)("%s uploads a default export and every class whose objects live with it", (config) => {
  expect(classesOf(config)).not.toEqual([]);
  expect(uploads.get(config)?.exported).toEqual(expect.arrayContaining(["default", ...classesOf(config)]));
});

test.each([
  ["one Worker", ["wrangler.toml"]],
  ["two Workers", ["worker/wrangler.toml", "consumer/wrangler.toml"]],
  ["one Worker that leaves a cluster", ["wrangler.toml", "consumer/former-cluster.toml"]],
  [
    "two Workers that leave a cluster",
    ["worker/wrangler.toml", "consumer/wrangler.toml", "consumer/former-cluster.toml"],
  ],
] as const)("as %s, each binding leads to a class that some script of this form keeps", (_, form) => {
  const scripts = new Map(form.map((config) => [scriptOf(config), classesOf(config)]));
  for (const config of form) {
    const bindings: readonly Binding[] = read(config).durable_objects.bindings;
    expect(bindings.map(({ name }) => name)).toEqual(["WAITER", "REPLY_DRAIN"]);
    for (const { class_name: className, script_name: script } of bindings) {
      expect(scripts.get(script ?? scriptOf(config))).toContain(className);
    }
  }
});

test("as one Worker or two, one script has the tick of every minute, and so has the drain of a former cluster", () => {
  const crons = (config: ConfigPath) => read(config).triggers.crons;
  expect(crons("wrangler.toml")).toEqual(["* * * * *"]);
  expect(crons("consumer/wrangler.toml")).toEqual(["* * * * *"]);
  expect(crons("consumer/former-cluster.toml")).toEqual(["* * * * *"]);
  // Empty, and not absent: a deployment without a list leaves the triggers of the one before in place.
  expect(crons("worker/wrangler.toml")).toEqual([]);
});

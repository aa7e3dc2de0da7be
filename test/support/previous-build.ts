// Builds of the gateway as it was at earlier commits, for tests in which a deploy is half done: which commit that
// is, and one module a harness can run. What such a build is put together with is gateways.ts's business.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The last build that knows nothing of durable exchanges. Its config knows no option that came later. */
export const beforeDurableExchanges = "87d3140";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
/** Takes its services from a variable, so that the test declares them for every build alike. */
const routedEntry = "routed-entry";
/** Everything of ours that a Worker is made of: a commit that touches none of it has the code of the one before. */
const shipped = [
  "protocol",
  ":(glob)kafka/*.ts",
  "durable",
  "consumer",
  "worker",
  `test/fixtures/loop/${routedEntry}.ts`,
];

export interface GatewayBuild {
  /** Abbreviated; `at hand` for the working tree. */
  readonly revision: string;
  /** The module to run, as `main` of a Worker that is bundled already. */
  readonly main: string;
}

export interface Builds {
  readonly atHand: GatewayBuild;
  /** The newest commit with other code than the one at hand, then those asked for; no code twice, none at hand. */
  readonly earlier: readonly GatewayBuild[];
  /** Removes them from disk. */
  remove(): Promise<void>;
}

export interface BuildAtHand {
  readonly atHand: GatewayBuild;
  /** Removes it from disk. */
  readonly remove: () => Promise<void>;
}

/** For a test that needs no other one; of an entry among the fixtures of the loop, by its name. */
export async function buildAtHand(entry = routedEntry): Promise<BuildAtHand> {
  const folder = await mkdtemp(join(tmpdir(), "hearback-builds-"));
  const remove = () => rm(folder, { recursive: true });
  try {
    return { atHand: await bundle("at hand", root, join(folder, "at-hand"), entry), remove };
  } catch (cause) {
    await remove();
    throw cause;
  }
}

/**
 * Packages are the installed ones, also for an earlier commit. What decides whether code differs is therefore the
 * bundle itself: a commit that changes nothing but comments or the lock file would meet itself.
 */
export async function buildGateways(
  revisions: readonly string[] = [beforeDurableExchanges],
): Promise<Builds> {
  const folder = await mkdtemp(join(tmpdir(), "hearback-builds-"));
  const remove = () => rm(folder, { recursive: true });
  try {
    const commits = await Promise.all(revisions.map(commitOf));
    const started = [
      bundle("at hand", root, join(folder, "at-hand")),
      ...commits.map((commit) => buildOf(commit, folder)),
    ] as const;
    // None writes on when one has failed and all are removed.
    await Promise.allSettled(started);
    const [atHand, ...asked] = await Promise.all(started);
    const known = await codeOf(atHand);
    const earlier = new Map<string, GatewayBuild>();
    for (const commit of await commitsWithOtherFiles()) {
      const build = await buildOf(commit, folder);
      const code = await codeOf(build);
      if (code === known) continue;
      earlier.set(code, build);
      break;
    }
    if (earlier.size === 0) throw new Error(`no commit here has other code than the one at hand. ${remedy}`);
    for (const build of asked) {
      const code = await codeOf(build);
      if (code !== known && !earlier.has(code)) earlier.set(code, build);
    }
    return { atHand, earlier: [...earlier.values()], remove };
  } catch (cause) {
    await remove();
    throw cause;
  }
}

/** With all files of that commit: what its Worker is made of is for its own imports to say. */
async function buildOf(commit: string, folder: string): Promise<GatewayBuild> {
  const source = await mkdtemp(join(folder, `${commit}-`));
  const archive = `${source}.tar`;
  await git("archive", "--format=tar", "--output", archive, commit);
  await run("tar", ["-xf", archive, "-C", source]);
  await symlink(join(root, "node_modules"), join(source, "node_modules"));
  return bundle(commit.slice(0, 7), source, join(source, "bundle"));
}

/** Minified, which leaves out comments and names no folder: the same code is the same text. */
async function bundle(
  revision: string,
  source: string,
  out: string,
  entry = routedEntry,
): Promise<GatewayBuild> {
  const deploy = ["deploy", `test/fixtures/loop/${entry}.ts`, "--dry-run", "--minify", "--outdir", out];
  await run(process.execPath, ["node_modules/wrangler/bin/wrangler.js", ...deploy], {
    cwd: source,
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", X_LOCAL_OBSERVABILITY: "false" },
  });
  return { revision, main: join(out, `${entry}.js`) };
}

async function codeOf({ main }: GatewayBuild): Promise<string> {
  return (await readFile(main, "utf8")).replace(/^\/\/# sourceMappingURL=.*$/m, "");
}

const remedy =
  "The tests of half-done deploys need the commits before this one: in a shallow clone run `git fetch --unshallow` once; CI must check out all history.";

/** Those that changed what is shipped, newest first; without the one that left it as it is now. */
async function commitsWithOtherFiles(): Promise<string[]> {
  const commits = (await git("log", "--format=%H", "HEAD", "--", ...shipped)).split("\n").filter(Boolean);
  const changed = await git("diff", "--name-only", commits[0] ?? "HEAD", "--", ...shipped);
  return changed === "" ? commits.slice(1) : commits;
}

async function commitOf(revision: string): Promise<string> {
  try {
    return (await git("rev-parse", "--verify", "--quiet", `${revision}^{commit}`)).trim();
  } catch (cause) {
    throw new Error(`there is no commit ${revision} here. ${remedy}`, { cause });
  }
}

async function git(...args: readonly string[]): Promise<string> {
  return (await run("git", args, { cwd: root })).stdout;
}

// Whether the time of a refusal says how much of an API key was right: over HTTP at the gateway, and at the comparison
// by itself, where one that leaks is there to show that the statistics would see it.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { Agent, request } from "node:http";
import { afterAll, expect, test } from "vitest";
import { newApiKey } from "../../dev/api-key/new-key.ts";
import { ownerOfKey } from "../../worker/access/api-keys.ts";
import { digestOf } from "../../worker/access/secrets.ts";
import { useCleanups } from "../support/cleanups.ts";
import { credentialsFor } from "../support/loop.ts";
import { Proof } from "../support/proof.ts";
import { startRestartableGateway } from "../support/restartable-gateway.ts";
import { compareTimes, interleave, medianOf, toldApart } from "../support/timing.ts";

declare module "node:crypto" {
  namespace webcrypto {
    interface SubtleCrypto {
      /** Of the Workers runtime; Node has the same by itself, and here it is put where the gateway looks for it. */
      timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean;
    }
  }
}

const proof = new Proof("access", "Who may ask");
const later = useCleanups();
afterAll(() => proof.write());

const tries = 10_000;
const made = Array.from({ length: 40 }, (_, at) => newApiKey({ principal: `tenant-${at}` }));
const right = made.at(-1)?.key ?? "";

const freshText = (bytes: number) => randomBytes(bytes).toString("base64url");
const wrong = () => `hbk_${freshText(32)}`;

/**
 * But for its last four characters. Like wrong ones each is another text, since one that is sent again and again is
 * faster by itself, right or wrong.
 */
function nearlyRight(): string {
  const key = `${right.slice(0, -4)}${freshText(3)}`;
  return key === right ? nearlyRight() : key;
}

/** Made beforehand, and as one piece each, so that making them is no part of any time. */
const many = (make: () => string) =>
  Array.from({ length: tries }, () => Buffer.from(make(), "latin1").toString("latin1"));

/** Wrong ones, more of them to see what the noise alone gives, and nearly right ones. */
const kinds = [many(wrong), many(wrong), many(nearlyRight)] as const;

function report(what: string, [a = [], again = [], b = []]: readonly number[][]): number {
  const { t, difference, wouldSee } = compareTimes(a, b);
  const ns = (ms: number) => `${Math.round(ms * 1_000_000).toLocaleString("en")} ns`;
  proof.add(
    what,
    `medians ${ns(medianOf(a))} and ${ns(medianOf(b))}; means differ by ${ns(difference)}, t = ${t.toFixed(2)} ` +
      `(told apart from ${toldApart}, which is ${ns(wouldSee)}); wrong ones and other wrong ones: t = ` +
      compareTimes(a, again).t.toFixed(2),
  );
  return Math.abs(t);
}

test("a wrong API key and one that is wrong in its last characters are refused in the same time", async () => {
  const gateway = await startRestartableGateway(
    {
      entry: "test/fixtures/loop/routed-entry.ts",
      name: "hearback-timing",
      variables: {
        // Nobody is there: who is not let in does not get so far.
        ...credentialsFor("http://127.0.0.1:9"),
        API_KEYS: JSON.stringify(made.map(({ entry }) => entry)),
        GATEWAY_OPTIONS: JSON.stringify({
          services: {
            keyed: {
              route: "GET /keyed",
              requestTopic: "requests",
              replyTopic: "replies",
              authentication: [{ apiKeys: "API_KEYS" }],
            },
          },
        }),
      },
    },
    later,
  );
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  later(() => agent.destroy());
  const ask = (key: string) =>
    new Promise<{ status: number | undefined; ms: number }>((resolve, reject) => {
      const headers = { "x-api-key": key };
      const call = request(`${gateway.url}/keyed`, { agent, headers }, (response) => {
        const ms = performance.now() - askedAt;
        response.resume().on("end", () => resolve({ status: response.statusCode, ms }));
      });
      call.on("error", reject);
      const askedAt = performance.now();
      call.end();
    });
  const statuses = new Map<number | undefined, number>();
  const timed = async (key: string) => {
    const { status, ms } = await ask(key);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    return ms;
  };
  for (let at = 0; at < 500; at++) await ask(wrong());
  const times = await interleave(
    tries,
    kinds.map((keys) => (at) => timed(keys[at] ?? "")),
  );
  expect([...statuses]).toEqual([[401, 3 * tries]]);
  const t = report(`over HTTP, list of ${made.length}, ${tries} wrong and ${tries} nearly right keys`, times);
  expect(t).toBeLessThan(toldApart);
});

test("the comparison takes the same time for both, and one that stops at the first difference does not", async () => {
  Object.assign(crypto.subtle, { timingSafeEqual });
  const keys = made.map(({ key, entry: { principal } }) => ({
    principal,
    digest: new Uint8Array(createHash("sha256").update(key).digest()),
    expiresAt: undefined,
    claims: {},
  }));
  expect(ownerOfKey(keys, await digestOf(right), 0)?.principal.subject).toBe("tenant-39");

  const comparing = kinds.map((given) => async (at: number) => {
    const digest = await digestOf(given[at] ?? "");
    return timeOf(() => expectNobody(ownerOfKey(keys, digest, 0)));
  });
  const leaking = kinds.map((given) => async (at: number) => {
    const text = given[at] ?? "";
    return timeOf(() => expectNobody(made.find(({ key }) => startsAlike(text, key) === key.length)));
  });
  for (const compare of [comparing, leaking]) await interleave(2_000, compare);
  const ours = await interleave(tries, comparing);
  const leak = await interleave(tries, leaking);
  const t = report(`the comparison alone, list of ${made.length}, 20 times, in Node`, ours);
  const tOfLeak = report("control: a comparison of texts that stops at the first difference, 20 times", leak);
  expect(t).toBeLessThan(toldApart);
  expect(tOfLeak).toBeGreaterThan(toldApart);
});

/** Of many calls, since one is shorter than the clock is fine; in ms. */
function timeOf(call: () => void): number {
  const startedAt = performance.now();
  for (let at = 0; at < 20; at++) call();
  return performance.now() - startedAt;
}

function expectNobody(owner: unknown): void {
  if (owner !== undefined) throw new Error("a wrong key is somebody's");
}

/** How many characters two texts have in common at their beginning. */
function startsAlike(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

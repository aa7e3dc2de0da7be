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
import { percentile, Proof } from "../support/proof.ts";
import { startRestartableGateway } from "../support/restartable-gateway.ts";
import { compareTimes, interleave, splitInTwo, toldApart, type Times } from "../support/timing.ts";

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

/** Made beforehand, so that making them is no part of any time. */
const many = (make: () => string) => Array.from({ length: tries }, make);

function report(what: string, times: Times): number {
  const { t, difference, wouldSee } = compareTimes(times);
  const noise = compareTimes(splitInTwo(times.a));
  const us = (ms: number) => `${(ms * 1_000).toFixed(2)} µs`;
  const median = (of: readonly number[]) =>
    `${(
      Number(
        percentile(
          of.map((ms) => ms * 1_000),
          0.5,
        ),
      ) / 1_000
    ).toFixed(4)} ms`;
  proof.add(
    what,
    `medians ${median(times.a)} and ${median(times.b)}; means differ by ${us(difference)}, t = ${t.toFixed(2)} ` +
      `(told apart from ${toldApart}, which is ${us(wouldSee)}); wrong ones against themselves: t = ${noise.t.toFixed(2)}`,
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
  const [wrongs, nearlyRights] = [many(wrong), many(nearlyRight)];
  const times = await interleave(
    tries,
    (at) => timed(wrongs[at] ?? ""),
    (at) => timed(nearlyRights[at] ?? ""),
  );
  expect([...statuses]).toEqual([[401, 2 * tries]]);
  const t = report(
    `over HTTP, list of ${made.length}, ${tries} wrong and ${tries} nearly right keys, interleaved`,
    times,
  );
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

  const [wrongs, nearlyRights] = [many(wrong), many(nearlyRight)];
  const comparing = (given: readonly string[]) => async (at: number) => {
    const digest = await digestOf(given[at] ?? "");
    const startedAt = performance.now();
    const owner = ownerOfKey(keys, digest, 0);
    const ms = performance.now() - startedAt;
    expect(owner).toBeUndefined();
    return ms;
  };
  const leaking = (given: readonly string[]) => async (at: number) => {
    const text = given[at] ?? "";
    const startedAt = performance.now();
    const owner = made.find(({ key }) => startsAlike(text, key) === key.length);
    const ms = performance.now() - startedAt;
    expect(owner).toBeUndefined();
    return ms;
  };
  for (const compare of [comparing, leaking]) {
    await interleave(2_000, compare(wrongs), compare(nearlyRights));
  }
  const ours = await interleave(tries, comparing(wrongs), comparing(nearlyRights));
  const leak = await interleave(tries, leaking(wrongs), leaking(nearlyRights));
  const t = report(`the comparison alone, list of ${made.length}, in Node`, ours);
  const tOfLeak = report("control: a comparison of texts that stops at the first difference", leak);
  expect(t).toBeLessThan(toldApart);
  expect(tOfLeak).toBeGreaterThan(toldApart);
});

/** How many characters two texts have in common at their beginning. */
function startsAlike(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

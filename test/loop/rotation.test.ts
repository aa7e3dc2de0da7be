// Secrets that are replaced while requests wait, in the steps of docs/operations.md.

import { afterAll, describe, expect, test } from "vitest";
import {
  createCredentials,
  hashPassword,
  parsePasswordHash,
  type StoredCredential,
} from "../../bridge/index.ts";
import { useCleanups } from "../support/cleanups.ts";
import { startClusterBehind } from "../support/deployed-loop.ts";
import { ledgerOf } from "../support/loop.ts";
import { buildAtHand } from "../support/previous-build.ts";
import { expectGoodEnds, redeployUnderWaits } from "../support/redeploy.ts";

const later = useCleanups();
const waiting = { early: { plain: 4, keyed: 4, wait: 4, async: 4 }, last: { plain: 4, keyed: 4 } };
const { atHand, remove } = await buildAtHand();
afterAll(() => remove());

describe("the secret that signs correlation IDs", () => {
  const [old, next] = ["an old secret that is long enough", "the next secret that is long enough"] as const;
  const signedBy = (...secrets: readonly string[]) => ({
    build: atHand,
    version: secrets.map((secret) => (secret === old ? "old" : "next")).join(", then "),
    variables: { CORRELATION_ID_SECRET: JSON.stringify(secrets) },
  });

  test("is rotated while callers wait: all are answered, keys lead to their exchange, and at last the old one is nobody's", async () => {
    const deploy = { from: signedBy(old, next), to: signedBy(next, old), correlationIds: "uuid" } as const;
    const redeployed = await redeployUnderWaits("the objects and the Worker", deploy, waiting, later);
    expectGoodEnds("the objects and the Worker", deploy, redeployed);
    const { ends, front, objects } = redeployed;
    expect((await ledgerOf(front.url)).verdicts.unknown).toBeUndefined();

    const locations = ends.flatMap(({ location }) => location ?? []);
    expect(locations).toHaveLength(waiting.early.async);
    const statuses = async () =>
      Promise.all(locations.map(async (location) => (await fetch(`${front.url}${location}`)).status));
    expect(await statuses()).toEqual([200, 200, 200, 200]);
    await Promise.all([front, objects].map((each) => each.deploy(signedBy(next))));
    expect(await statuses()).toEqual([404, 404, 404, 404]);
  });
});

test("the bridge's user is replaced while callers wait: the bridge knows both until the old one is asked for no more", async () => {
  const cheap = { N: 1024, r: 1, p: 1 };
  const entry = async (user: string): Promise<StoredCredential> => {
    const password = parsePasswordHash(await hashPassword(`password of ${user}`, cheap));
    if (password === undefined) throw new Error("no hash");
    return { user, password, access: "full" };
  };
  const [old, next] = [await entry("gateway-1"), await entry("gateway-2")];
  const credentials = createCredentials({ stored: [old] });
  const as = ({ user }: StoredCredential) => ({
    build: atHand,
    version: user,
    variables: { UPSTASH_KAFKA_REST_USERNAME: user, UPSTASH_KAFKA_REST_PASSWORD: `password of ${user}` },
  });
  const deploy = { from: as(old), to: as(next), behind: await startClusterBehind(later, credentials) };
  credentials.replace([old, next]);
  const redeployed = await redeployUnderWaits("the objects and the Worker", deploy, waiting, later);
  expectGoodEnds("the objects and the Worker", deploy, redeployed);
  credentials.replace([next]);
  expect((await fetch(`${redeployed.front.url}/readyz`)).status).toBe(200);
});

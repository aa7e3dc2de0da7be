// `npm run replay` as an operator meets it: an answered call is found again in the log.

import { expect, test } from "vitest";
import { useCleanups } from "../support/cleanups.ts";
import { runCommand } from "../support/command.ts";
import { credentialsFor, postJson, startLoop } from "../support/loop.ts";

const later = useCleanups();

async function replay(bridgeUrl: string, ...args: string[]) {
  const command = runCommand(process.execPath, ["dev/replay/main.ts", ...args], {
    env: credentialsFor(bridgeUrl),
  });
  const code = await command.ended;
  return { code, printed: command.output() };
}

test("[B16] a request that was answered is found by its ID, with its reply and the time between them", async () => {
  const { bridge, gateway } = await startLoop("together", later);
  const ask = async (id: string) => {
    const answer = await postJson(`${gateway.url}/predict`, { id, features: [2, 4] });
    return { correlationId: answer.headers.get("x-correlation-id") ?? "", body: await answer.text() };
  };
  await ask("before");
  const { correlationId, body } = await ask("wanted");
  await ask("after");

  const { code, printed } = await replay(bridge.url, correlationId.toUpperCase());
  expect(code, printed).toBe(0);
  expect(printed).toMatch(/^request: inference\.requests\.v1, partition \d, offset \d$/m);
  expect(printed).toMatch(/^ {4}X-Reply-Topic: inference\.replies\.v1$/m);
  expect(printed).toMatch(/^ {4}\{"id":"wanted","features":\[2,4\]\}$/m);
  expect(printed).toMatch(/^reply: inference\.replies\.v1, partition \d, offset \d$/m);
  expect(printed).toMatch(/, \d+ ms after the request$/m);
  expect(printed).toContain(body);
  expect(printed).not.toMatch(/"id":"(before|after)"/);

  const { printed: json } = await replay(bridge.url, correlationId, "--json", "--since", "5m");
  const { requests, replies } = JSON.parse(json.slice(json.indexOf("{\n"))) as {
    readonly requests: readonly unknown[];
    readonly replies: readonly unknown[];
  };
  expect(requests).toEqual([
    expect.objectContaining({
      topic: "inference.requests.v1",
      key: { encoding: "text", value: correlationId, bytes: 64 },
      body: { encoding: "text", value: '{"id":"wanted","features":[2,4]}', bytes: 32 },
    }),
  ]);
  expect(replies).toEqual([
    expect.objectContaining({
      topic: "inference.replies.v1",
      body: { encoding: "text", value: body, bytes: body.length },
      afterMs: expect.any(Number),
    }),
  ]);
});

test("an ID that is nowhere, and a bridge that lets nobody in or is not there, are one line and exit code 1", async () => {
  const { bridge } = await startLoop("stopped", later, { withModel: false });
  const id = "0".repeat(64);
  const nowhere = await replay(bridge.url, id);
  expect([nowhere.code, nowhere.printed.trim().split("\n").at(-1)]).toEqual([
    1,
    expect.stringMatching(new RegExp(`^${id} is nowhere in the log since \\S+ \\(0 records read\\)$`)),
  ]);
  const command = runCommand(process.execPath, ["dev/replay/main.ts", id], {
    env: { ...credentialsFor(bridge.url), UPSTASH_KAFKA_REST_PASSWORD: "wrong" },
  });
  expect(await command.ended).toBe(1);
  expect(command.output().trim()).toBe(`${bridge.url}: the bridge answers 401: wrong user name or password`);
  const away = await replay("http://127.0.0.1:1", id);
  expect([away.code, away.printed.trim()]).toEqual([
    1,
    expect.stringMatching(/^http:\/\/127\.0\.0\.1:1: .+$/),
  ]);
});

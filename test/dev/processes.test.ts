// What `npm run dev` does with its children, where no real child is needed.

import { expect, onTestFinished, test } from "vitest";
import { responderProcesses } from "../../dev/children.ts";
import { Processes } from "../../dev/processes.ts";

test("a program that cannot be started is given up, and ending the others does not wait for it", async () => {
  const { execPath } = process;
  onTestFinished(() => {
    process.execPath = execPath;
  });
  process.execPath = "/nowhere/node";
  const processes = new Processes();
  const gaveUp = new Promise<string>((resolve) => processes.start({ name: "lost", args: [] }, resolve));
  expect(await gaveUp).toBe("lost");
  await processes.end();
});

test("responders have the same name whenever they start, and no other loop on the machine has it", () => {
  const namesOn = (port: number) =>
    responderProcesses({ port, credentials: {} }).map(({ env }) => env?.["RESPONDER_NAME"]);
  expect(namesOn(8787)).toEqual(namesOn(8787));
  expect(new Set([...namesOn(8787), ...namesOn(8788)]).size).toBe(4);
});

// Contract of a backend: the forms of a request and what is refused, by raw HTTP.

import { describe, expect, test } from "vitest";
import { newName, raw } from "../../support/bridge.ts";
import { bridgeOver, type BackendUnderTest } from "./backend.ts";

const refusal = (status: number) => ({ result: "Error", error: expect.any(String), status });
const metadataOf = (topic: string) => ({ topic, partition: 0, offset: 0, timestamp: expect.any(Number) });

export function requestsContract(backend: BackendUnderTest): void {
  describe(`${backend.name}: requests`, () => {
    test("every route that takes POST takes GET with the same body, under any content type", async () => {
      const { url, newTopic } = await bridgeOver(backend);
      const red = await newTopic(1);
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      for (const [offset, method] of ["POST", "GET"].entries()) {
        const send = (path: string, body: unknown) => raw(url + path, { method, body, headers });
        expect((await send(`/produce/${red}`, { value: "x" })).json).toEqual([
          { ...metadataOf(red), offset },
        ]);
        expect((await send("/fetch", { topic: red, partition: 0, offset })).json).toMatchObject([
          { value: "x", offset },
        ]);
        expect((await send("/offsets/latest", { topic: red, partition: 0 })).json).toEqual([
          { topic: red, partition: 0, offset: offset + 1 },
        ]);
      }
    });

    test("/produce takes one message or an array, with the topic in the message or in the path", async () => {
      const { call, newTopic } = await bridgeOver(backend);
      const red = await newTopic(1);
      expect((await call("/produce", { topic: red, value: "a" })).json).toEqual([metadataOf(red)]);
      expect((await call("/produce", [{ topic: red, value: "b" }])).json).toEqual([
        { ...metadataOf(red), offset: 1 },
      ]);
      expect((await call(`/produce/${red}`, [{ value: "c" }, { value: "d" }])).json).toEqual([
        { ...metadataOf(red), offset: 2 },
        { ...metadataOf(red), offset: 3 },
      ]);
      expect((await call("/produce", [])).json).toEqual([]);
    });

    test("GET /produce/{topic}/{value} appends the decoded value and answers with one object", async () => {
      const { url, call, newTopic } = await bridgeOver(backend);
      const red = await newTopic(1);
      const answer = await raw(`${url}/produce/${red}/a%2Fb%20%C3%BC?key=k%26k`);
      expect(answer.json).toEqual(metadataOf(red));
      expect((await call("/fetch", { topic: red, partition: 0, offset: 0 })).json).toMatchObject([
        { key: "k&k", value: "a/b ü" },
      ]);
      expect((await raw(`${url}/produce/${red}/%ff`)).json).toEqual(refusal(400));
    });

    test("a trailing slash changes nothing", async () => {
      const { call, newTopic } = await bridgeOver(backend);
      const red = await newTopic(1);
      await call(`/produce/${red}/`, { value: "x" });
      expect((await call("/fetch/", { topic: red, partition: 0, offset: 0 })).json).toMatchObject([
        { value: "x" },
      ]);
      expect((await call("/topics/")).json).toMatchObject({ [red]: 1 });
      expect((await call("/hearback/topics/")).json).toMatchObject({ [red]: 1 });
    });

    test.each([
      ["no body", "/produce", ""],
      ["bytes that are no JSON", "/produce", "{"],
      ["a number for a message", "/produce", 1],
      ["a message without topic", "/produce", { value: "x" }],
      ["a value that is no string", "/produce/RED", { value: 1 }],
      ["a null value", "/produce/RED", { value: null }],
      ["a header value that is no string", "/produce/RED", { value: "x", headers: [{ key: "a", value: 1 }] }],
      ["a partition that is out of range", "/produce/RED", { value: "x", partition: 5 }],
      ["a topic name that Kafka forbids", "/produce/a%20b", { value: "x" }],
      ["one bad message among good ones", "/produce/RED", [{ value: "x" }, { value: 2 }]],
      ["a fetch without position", "/fetch", {}],
      ["a fetch with a broken offset", "/fetch", { topic: "RED", partition: 0, offset: "0" }],
      ["an offset query that is no time", "/offsets/soon", { topic: "RED", partition: 0 }],
    ])("%s is 400 and appends nothing", async (_, path, body) => {
      const { call, newTopic } = await bridgeOver(backend);
      const red = await newTopic(1);
      const named = JSON.stringify(body).replaceAll('"RED"', `"${red}"`);
      const answer = await call(path.replace("RED", red), body === "" ? "" : body === "{" ? "{" : named);
      expect(answer.json).toEqual(refusal(400));
      expect(answer.status).toBe(400);
      expect((await call("/offsets/latest", { topic: red, partition: 0 })).json).toMatchObject([
        { offset: 0 },
      ]);
    });

    test("reading topics and partitions that do not exist is 404", async () => {
      const { call, newTopic } = await bridgeOver(backend);
      const red = await newTopic(1);
      expect((await call("/fetch", { topic: newName(), partition: 0, offset: 0 })).status).toBe(404);
      expect((await call("/offsets/latest", { topic: red, partition: 1 })).status).toBe(404);
    });

    test("a plain record over 1 MiB is 413 and nothing of its batch is appended", async () => {
      const { call, newTopic } = await bridgeOver(backend);
      const red = await newTopic(1);
      const answer = await call(`/produce/${red}`, [{ value: "x" }, { value: "x".repeat(1_048_577) }]);
      expect(answer.json).toEqual(refusal(413));
      expect((await call("/offsets/latest", { topic: red, partition: 0 })).json).toMatchObject([
        { offset: 0 },
      ]);
      expect((await call(`/produce/${red}`, { value: "x".repeat(1_048_576) })).status).toBe(200);
    });
  });
}

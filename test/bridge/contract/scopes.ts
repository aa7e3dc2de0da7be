// Contract of a backend: what limited credentials may do at every route, in both forms. What is refused leaves
// nothing behind and shows nothing.

import { describe, expect, test } from "vitest";
import {
  createCredentials,
  hashPassword,
  parsePasswordHash,
  type AccessLimits,
  type StoredCredential,
} from "../../../bridge/index.ts";
import { newName, basic, password, raw, username, type RawAnswer } from "../../support/bridge.ts";
import { bridgeOver, type BackendUnderTest } from "./backend.ts";

interface Request {
  readonly path: string;
  readonly method?: string;
  readonly body?: unknown;
}

interface Place {
  readonly topic: string;
  readonly group: string;
}

const instance = "one";
const byHand = { "kafka-auto-offset-reset": "earliest", "kafka-enable-auto-commit": "false" };
const cheap = { N: 16, r: 1, p: 1 };
/** Text in the plain form, base64 in the other. */
const value = "djE=";
const at = (topic: string) => ({ topic, partition: 0, offset: 0 });

/** In the order in which they are asked: the last one takes away what the others use. */
const routes: readonly {
  readonly name: string;
  readonly needs: "produce" | "consume";
  readonly request: (place: Place) => Request;
}[] = [
  {
    name: "produce",
    needs: "produce",
    request: ({ topic }) => ({ path: "/produce", body: [{ topic, value }] }),
  },
  {
    name: "produce to a topic",
    needs: "produce",
    request: ({ topic }) => ({ path: `/produce/${topic}`, body: [{ value }] }),
  },
  {
    name: "produce by path",
    needs: "produce",
    request: ({ topic }) => ({ path: `/produce/${topic}/${value}` }),
  },
  {
    name: "webhook",
    needs: "produce",
    request: ({ topic }) => ({ path: `/webhook?topic=${topic}`, body: value }),
  },
  { name: "fetch", needs: "consume", request: ({ topic }) => ({ path: "/fetch", body: at(topic) }) },
  {
    name: "offsets",
    needs: "consume",
    request: ({ topic }) => ({ path: "/offsets/latest", body: at(topic) }),
  },
  {
    name: "consume",
    needs: "consume",
    request: ({ topic, group }) => ({ path: `/consume/${group}/${instance}`, body: { topic, timeout: 0 } }),
  },
  {
    name: "consume by path",
    needs: "consume",
    request: ({ topic, group }) => ({ path: `/consume/${group}/${instance}/${topic}?timeout=0` }),
  },
  {
    name: "commit",
    needs: "consume",
    request: ({ topic, group }) => ({
      path: `/commit/${group}/${instance}`,
      body: [{ ...at(topic), offset: 1 }],
    }),
  },
  {
    name: "commit of what was consumed",
    needs: "consume",
    request: ({ group }) => ({ path: `/commit/${group}/${instance}`, body: "" }),
  },
  {
    name: "committed",
    needs: "consume",
    request: ({ topic, group }) => ({ path: `/committed/${group}/${instance}`, body: at(topic) }),
  },
  {
    name: "delete-consumer",
    needs: "consume",
    request: ({ group }) => ({ path: `/delete-consumer/${group}/${instance}`, method: "DELETE" }),
  },
];

/** `limits` of a credential in view of the topic that is asked for, and what it may do there. */
const scopes: readonly {
  readonly name: string;
  readonly limits: (topic: string) => AccessLimits;
  readonly may: readonly ("produce" | "consume")[];
}[] = [
  { name: "full", limits: () => ({ access: "full" }), may: ["produce", "consume"] },
  { name: "produce only", limits: () => ({ access: "produce" }), may: ["produce"] },
  { name: "consume only", limits: () => ({ access: "consume" }), may: ["consume"] },
  {
    name: "this topic",
    limits: (topic) => ({ access: "full", topics: [topic] }),
    may: ["produce", "consume"],
  },
  { name: "another topic", limits: (topic) => ({ access: "full", topics: [`${topic}2`] }), may: [] },
  {
    name: "a prefix of this topic",
    limits: (topic) => ({ access: "full", topics: [`${topic.slice(0, -1)}*`] }),
    may: ["produce", "consume"],
  },
  { name: "another prefix", limits: (topic) => ({ access: "full", topics: [`${topic}-*`] }), may: [] },
  {
    name: "produce only, this topic",
    limits: (topic) => ({ access: "produce", topics: [topic] }),
    may: ["produce"],
  },
  { name: "produce only, another prefix", limits: () => ({ access: "produce", topics: ["z*"] }), may: [] },
];

export function scopesContract(backend: BackendUnderTest): void {
  describe(`${backend.name}: scopes`, () => {
    test.each(scopes)("$name", async ({ limits, may }) => {
      const credentials = createCredentials({ full: { user: username, password } });
      const { url, call, newTopic } = await bridgeOver(backend, { credentials });
      const topic = await newTopic(1);
      credentials.replace([await stored("limited", limits(topic))]);
      const asLimited = { authorization: basic("limited", "pw"), ...byHand };
      const mayProduce = may.includes("produce");
      const mayConsume = may.includes("consume");
      const ask = (path: string): Promise<RawAnswer> => raw(url + path, { headers: asLimited });
      await call("/produce", { topic, value: "seed" });

      for (const prefix of ["", "/hearback"]) {
        const place = { topic, group: newName() };
        const consumePath = `${url}/consume/${place.group}/${instance}/${topic}?timeout=10000`;
        const owner = { authorization: basic(username, password), ...byHand };
        expect((await raw(consumePath, { headers: owner })).json).not.toEqual([]);
        const committed = async (): Promise<unknown> =>
          (await call(`/committed/${place.group}/${instance}`, at(topic))).json;
        const committedBefore = await committed();

        expect(Object.keys((await ask(`${prefix}/topics`)).json as object)).toEqual(
          mayProduce || mayConsume ? expect.arrayContaining([topic]) : expect.not.arrayContaining([topic]),
        );
        const groups = (await ask(`${prefix}/consumers`)).json as { readonly name: string }[];
        expect(groups.some(({ name }) => name === place.group)).toBe(mayConsume);

        // For who may produce, too: whether somebody would answer is asked before that.
        const { status } = await ask(`/hearback/group/${place.group}/${topic}?unread-ms=1`);
        expect(status).toBe(mayProduce || mayConsume ? 200 : 403);

        for (const { name, needs, request } of routes) {
          const { path, method, body } = request(place);
          const answer = await raw(url + prefix + path, {
            method: method ?? (body === undefined ? "GET" : "POST"),
            ...(body === undefined ? {} : { body }),
            headers: asLimited,
          });
          expect([name, outcomeOf(answer)]).toEqual([name, may.includes(needs) ? "allowed" : "refused"]);
        }

        const { json: left } = await call("/consumers");
        const isLeft = (left as { readonly name: string }[]).some(({ name }) => name === place.group);
        expect(isLeft).toBe(!mayConsume);
        if (!mayConsume) expect(await committed()).toEqual(committedBefore);
      }
      const produceRoutes = routes.filter(({ needs }) => needs === "produce").length;
      expect((await call("/offsets/latest", at(topic))).json).toEqual([
        { topic, partition: 0, offset: mayProduce ? 1 + 2 * produceRoutes : 1 },
      ]);
    });
  });
}

/** Under /hearback each record has an answer of its own, so that a refused one comes in a 200. */
function outcomeOf({ status, json, text }: RawAnswer): string {
  const forbidden = /may not do this with topic/.test(text);
  if (status === 403 && forbidden) return "refused";
  if (status !== 200) return text;
  const [first] = Array.isArray(json) ? (json as unknown[]) : [json];
  const isRefused = typeof first === "object" && first !== null && "refused" in first;
  return isRefused && forbidden ? "refused" : isRefused ? text : "allowed";
}

async function stored(user: string, limits: AccessLimits): Promise<StoredCredential> {
  const hash = parsePasswordHash(await hashPassword("pw", cheap));
  if (hash === undefined) throw new Error("no hash");
  return { user, password: hash, ...limits };
}

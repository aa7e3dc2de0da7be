// The work of the bench: what is asked, what is answered, and how right is told from wrong.

import { expect, test } from "vitest";
import { answerTo, predict, Work } from "../../bench/load/work.ts";

const parse = (body: Buffer) => JSON.parse(body.toString()) as { id: string; features: number[] };

test("what the responder answers is right, for every vector", () => {
  const work = new Work("every");
  const questions = Array.from({ length: 600 }, () => work.question());
  expect(questions.every(({ body, isRight }) => isRight(answerTo(body.toString())))).toBe(true);
  expect(new Set(questions.map(({ body }) => parse(body).id)).size).toBe(600);
  expect(new Set(questions.map(({ body }) => predict(parse(body).features))).size).toBe(512);
});

test("a question has 128 features of at most 4 decimals, and its ID names the run", () => {
  const { id, features } = parse(new Work("compare-1").question().body);
  expect(id).toBe("compare-1-0");
  expect(features).toHaveLength(128);
  expect(features.every((each) => Math.abs(each) <= 1 && Number(each.toFixed(4)) === each)).toBe(true);
});

test("the same answer printed otherwise is right, and any other one is wrong", () => {
  const work = new Work("wrong");
  const { body, isRight } = work.question();
  const { id, features } = parse(body);
  const prediction = predict(features);
  expect(isRight(JSON.stringify({ prediction, id }, undefined, 2))).toBe(true);
  const other = answerTo(work.question().body.toString());
  for (const answer of [
    other,
    JSON.stringify({ id, prediction: prediction + Number.EPSILON }),
    JSON.stringify({ id, prediction: String(prediction) }),
    JSON.stringify({ id }),
    "null",
    "",
    body.toString(),
  ])
    expect(isRight(answer), answer).toBe(false);
});

test("a prediction depends on every feature, and lies between 0 and 1", () => {
  const { features } = parse(new Work("depends").question().body);
  const before = predict(features);
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(1);
  const unmoved = features.filter((each, at) => predict(features.with(at, each + 0.5)) === before);
  expect(unmoved).toEqual([]);
  expect(() => predict(features.slice(1))).toThrow(RangeError);
});

test("a run whose name would break the JSON is refused", () => {
  expect(() => new Work('a"b')).toThrow(RangeError);
});

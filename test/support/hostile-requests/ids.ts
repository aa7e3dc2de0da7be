// IDs that nobody gave out, and those that were given to others.

import { head, look, problem, unknownId, type HostileRequest } from "./words.ts";

export const ids: readonly HostileRequest[] = [
  { title: "an ID of zeros", send: look("0".repeat(64)), expected: unknownId },
  { title: "an ID of this length that was guessed", send: look("deadbeef".repeat(8)), expected: unknownId },
  {
    title: "a given-out ID with one digit changed",
    send: ({ hexId }) => look(flipped(hexId, 10)),
    expected: unknownId,
  },
  {
    title: "a given-out ID with its last digit changed",
    send: ({ hexId }) => look(flipped(hexId, 63)),
    expected: unknownId,
  },
  {
    title: "a given-out ID without its last digit",
    send: ({ hexId }) => look(hexId.slice(0, -1)),
    expected: unknownId,
  },
  {
    title: "a given-out ID of a plain request, in upper case",
    send: ({ hexId }) => look(hexId.toUpperCase()),
    expected: problem(410, "gone"),
  },
  {
    title: "a UUID that nobody signed",
    send: look("01234567-89ab-8def-8123-456789abcdef"),
    expected: unknownId,
  },
  {
    title: "a signed UUID with one digit changed",
    send: ({ uuidId }) => look(flipped(uuidId, 0)),
    expected: unknownId,
  },
  {
    title: "a signed UUID with its signature changed",
    send: ({ uuidId }) => look(flipped(uuidId, 35)),
    expected: unknownId,
  },
  { title: "an ID of 10 kB", send: look("a".repeat(10_000)), expected: problem(414, "uri_too_long") },
  { title: "an ID of 5 kB", send: look("a".repeat(5_000)), expected: unknownId },
  {
    title: "an ID that climbs out, encoded",
    send: look("..%2f..%2f_hearback%2fledger"),
    expected: unknownId,
  },
  { title: "an ID that is no text", send: look("%00%ff%ED%A0%80"), expected: unknownId },
  {
    title: "a guessed ID taken back",
    send: head(`/requests/${"deadbeef".repeat(8)}`, { method: "DELETE" }),
    expected: unknownId,
  },
  {
    title: "a dead letter whose ID is a query",
    send: head("/_hearback/dead-letters/1%20OR%201=1", {
      method: "DELETE",
      headers: ["Authorization: Bearer operator-token-of-the-hostile-tests"],
    }),
    expected: problem(404, "not_found"),
  },
];

function flipped(id: string, at: number): string {
  return `${id.slice(0, at)}${id[at] === "a" ? "b" : "a"}${id.slice(at + 1)}`;
}

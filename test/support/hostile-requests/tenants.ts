// What one tenant tries with what belongs to another.

import { secrets } from "../hostile-loop.ts";
import {
  acmeIdempotencyKey,
  head,
  header,
  look,
  served,
  unauthenticated,
  unknownId,
  withKey,
  type HostileRequest,
} from "./words.ts";

export const tenants: readonly HostileRequest[] = [
  {
    title: "another tenant's ID",
    send: ({ acmeId }) => head(`/requests/${acmeId}`, { method: "GET", ...withKey(secrets.betaKey) }),
    expected: unknownId,
  },
  {
    title: "another tenant's ID, waited for",
    send: ({ acmeId }) =>
      head(`/requests/${acmeId}`, { method: "GET", ...withKey(secrets.betaKey, "Prefer: wait=10") }),
    expected: unknownId,
  },
  {
    title: "another tenant's ID taken back",
    send: ({ acmeId }) => head(`/requests/${acmeId}`, { method: "DELETE", ...withKey(secrets.betaKey) }),
    expected: unknownId,
  },
  {
    title: "a tenant's ID, by nobody in particular",
    send: ({ acmeId }) => look(acmeId),
    expected: unknownId,
  },
  {
    title: "a tenant's ID taken back by nobody in particular",
    send: ({ acmeId }) => head(`/requests/${acmeId}`, { method: "DELETE" }),
    expected: unknownId,
  },
  {
    title: "a tenant's ID with a wrong API key",
    send: ({ acmeId }) =>
      head(`/requests/${acmeId}`, { method: "GET", ...withKey(flipped(secrets.acmeKey, 39)) }),
    expected: unauthenticated,
  },
  {
    title: "a tenant's ID with the tenant's name as its own word",
    send: ({ acmeId }) => head(`/requests/${acmeId}`, { method: "GET", headers: ["X-Principal: acme"] }),
    expected: unknownId,
  },
  {
    title: "another tenant's Idempotency-Key, with another body",
    send: head("/tenant", {
      ...withKey(secrets.betaKey, `Idempotency-Key: "${acmeIdempotencyKey}"`),
      body: "x",
    }),
    expected: served(header("x-principal"), ['{"sub":"beta"}']),
  },
  {
    title: "a tenant's Idempotency-Key at a service that asks nobody who they are",
    send: head("/echo", { headers: [`Idempotency-Key: "${acmeIdempotencyKey}"`], body: "x" }),
    expected: served(header("x-principal"), []),
  },
  {
    title: "a tenant's correlation ID as the client's own, where it is no key",
    send: ({ acmeId }) =>
      head("/tenant", { ...withKey(secrets.betaKey, `X-Correlation-ID: ${acmeId}`), body: "x" }),
    expected: served(header("x-principal"), ['{"sub":"beta"}']),
  },
];

function flipped(id: string, at: number): string {
  return `${id.slice(0, at)}${id[at] === "a" ? "b" : "a"}${id.slice(at + 1)}`;
}

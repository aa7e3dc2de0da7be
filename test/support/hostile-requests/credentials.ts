// API keys and tokens that prove nothing.

import { Buffer } from "node:buffer";
import { generateKeyPairSync, sign } from "node:crypto";
import { audience, issuer, secrets, sha256 } from "../hostile-loop.ts";
import {
  head,
  header,
  problem,
  served,
  surrogate,
  unauthenticated,
  withKey,
  type HostileRequest,
} from "./words.ts";

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const claims = { iss: issuer, aud: audience, sub: "alice", exp: 9_999_999_999 };
const ownKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** Signed with a key of the attacker's own. */
function selfSigned(tokenHead: Readonly<Record<string, unknown>>): string {
  const text = `${part({ alg: "ES256", ...tokenHead })}.${part(claims)}`;
  const signature = sign("sha256", Buffer.from(text), {
    key: ownKeys.privateKey,
    dsaEncoding: "ieee-p1363",
  });
  return `${text}.${signature.toString("base64url")}`;
}

const refusedAt = (path: string, title: string, sent: readonly string[]): HostileRequest => ({
  title,
  send: head(path, { headers: sent, body: "x" }),
  expected: unauthenticated,
});
const bearer = (credential: string): readonly string[] => [`Authorization: Bearer ${credential}`];

export const credentials: readonly HostileRequest[] = [
  refusedAt("/tenant", "no API key", []),
  refusedAt("/tenant", "an empty API key", ["X-API-Key: "]),
  refusedAt(
    "/tenant",
    "an API key that is wrong in its last character",
    bearer(flipped(secrets.acmeKey, 39)),
  ),
  refusedAt("/tenant", "an API key without its last character", bearer(secrets.acmeKey.slice(0, -1))),
  refusedAt("/tenant", "an API key with a character more", bearer(`${secrets.acmeKey}x`)),
  refusedAt("/tenant", "an API key that has expired", bearer(secrets.expiredKey)),
  refusedAt("/tenant", "the digest of an API key in place of the key", bearer(sha256(secrets.acmeKey))),
  refusedAt("/tenant", "an API key of 10 kB", [`X-API-Key: ${"k".repeat(10_000)}`]),
  refusedAt("/tenant", "an API key in bytes that are not ASCII", [`X-API-Key: ${surrogate}\xff`]),
  refusedAt("/tenant", "two API keys in one header", [
    `X-API-Key: ${secrets.acmeKey}`,
    `X-API-Key: ${secrets.betaKey}`,
  ]),
  refusedAt("/tenant", "an API key as a password", [
    `Authorization: Basic ${Buffer.from(`acme:${secrets.acmeKey}`).toString("base64")}`,
  ]),
  refusedAt(`/tenant?api_key=${secrets.acmeKey}`, "an API key in the query", []),
  refusedAt("/tenant", "the operator's token where API keys are asked for", bearer(secrets.operatorToken)),
  {
    title: "an API key where operators are asked for their token",
    send: head("/_hearback/ledger", { method: "GET", ...withKey(secrets.acmeKey) }),
    expected: problem(401, "operator_token_required"),
  },
  {
    title: "an X-Principal beside an API key",
    send: head("/tenant", {
      ...withKey(secrets.betaKey, 'X-Principal: {"sub":"acme"}', "x-principal: acme"),
      body: "x",
    }),
    expected: served(header("x-principal"), ['{"sub":"beta"}']),
  },
  refusedAt(
    "/signed-in",
    "a token that nobody signed (alg none)",
    bearer(`${part({ alg: "none" })}.${part(claims)}.`),
  ),
  refusedAt(
    "/signed-in",
    "a token with alg none in other letters, and the key's name",
    bearer(`${part({ alg: "nOnE", kid: "the one key" })}.${part(claims)}.`),
  ),
  refusedAt(
    "/signed-in",
    "a token that brings its own key",
    bearer(selfSigned({ jwk: ownKeys.publicKey.export({ format: "jwk" }), kid: "mine" })),
  ),
  refusedAt(
    "/signed-in",
    "a token that says where its keys are",
    bearer(
      selfSigned({ jku: "http://169.254.169.254/keys", x5u: "http://169.254.169.254/keys", kid: "mine" }),
    ),
  ),
  refusedAt(
    "/signed-in",
    "a token with the key's name and a signature of its own",
    bearer(selfSigned({ kid: "the one key" })),
  ),
  refusedAt("/signed-in", "a token of 10,000 dots", bearer(".".repeat(10_000))),
  refusedAt(
    "/signed-in",
    "a token with JSON nested a thousand deep",
    bearer(`${Buffer.from("[".repeat(1_000)).toString("base64url")}.${part(claims)}.AAAA`),
  ),
  refusedAt("/signed-in", "an API key where tokens are asked for", bearer(secrets.acmeKey)),
  refusedAt("/signed-in", "what Access would say, where nobody asks Access", [
    `Cf-Access-Jwt-Assertion: ${selfSigned({ kid: "the one key" })}`,
  ]),
];

function flipped(id: string, at: number): string {
  return `${id.slice(0, at)}${id[at] === "a" ? "b" : "a"}${id.slice(at + 1)}`;
}

// Which correlation ID an exchange has, and which waiter: minted for a request without a key, derived for one
// with a key, found again from the text of an ID. What happens at the waiter is decided elsewhere.

import {
  correlationIdForm,
  deriveUuid,
  importUuidKeys,
  isSignedByAny,
  mintUuid,
  type CorrelationIdForm,
  type SigningKey,
} from "../../protocol/index.ts";
import type { Principal } from "../access/principal.ts";
import type { Service } from "../config.ts";
import type { ClientKeySource } from "../http/idempotency-key.ts";
import { mintRouted } from "./routing.ts";

/** What of a Durable Object namespace is needed here, so that it can be stood in for. An ID's text is its hex. */
export interface WaiterNamespace<Id extends { toString(): string }> {
  newUniqueId(): Id;
  idFromName(name: string): Id;
  /** Throws for what this namespace cannot have made. */
  idFromString(hex: string): Id;
}

export interface ExchangeId<Id> {
  /** As it is on the wire. */
  readonly correlationId: string;
  readonly waiterId: Id;
}

export interface MadeExchangeId<Id> extends ExchangeId<Id> {
  /** Those that a client's key has by other secrets, while one takes the place of another. None without a key. */
  readonly others: readonly ExchangeId<Id>[];
}

/** A client's key, and what keeps it apart from the same text of others. */
export interface OwnedKey {
  readonly principal: Principal;
  readonly source: ClientKeySource;
  readonly key: string;
}

type ServiceIds = Pick<Service, "name" | "correlationIds" | "replyPartitions" | "replyRouting">;

/** Begins each name, so that names can one day be made otherwise without meaning an old one. */
const nameVersion = 1;

/**
 * A new ID for a request without a key. `minted` is the hex ID that the request has already; it is used where it
 * fits. `now` is in epoch ms; `uuidSecret`, the variable as it is, is needed for the UUID form alone.
 */
export async function mintExchangeId<Id extends { toString(): string }>(
  service: ServiceIds,
  { minted, now }: { readonly minted: string; readonly now: number },
  waiters: WaiterNamespace<Id>,
  uuidSecret: string | undefined,
): Promise<MadeExchangeId<Id>> {
  if (service.correlationIds === "hex") {
    const mint = () => waiters.newUniqueId().toString();
    return { ...exchangeOf(await mintRouted(service, minted, mint), "hex", waiters), others: [] };
  }
  const [signingKey] = await uuidKeys(uuidSecret);
  const mint = () => mintUuid(now, crypto.getRandomValues(new Uint8Array(6)), signingKey);
  return { ...exchangeOf(await mintRouted(service, await mint(), mint), "uuid", waiters), others: [] };
}

/**
 * The ID that belongs to a client's key: the same for the same caller, service and key, and another one otherwise.
 * Where the ID itself must lead the reply home, the name is salted until it does, with 1, then 2, and so on: it
 * stays the same for as long as the deployment owns the same partitions and the same secret signs.
 */
export async function deriveExchangeId<Id extends { toString(): string }>(
  service: ServiceIds,
  { principal, source, key }: OwnedKey,
  waiters: WaiterNamespace<Id>,
  uuidSecret: string | undefined,
): Promise<MadeExchangeId<Id>> {
  const form = service.correlationIds;
  const tuple = [nameVersion, principal.issuer, principal.subject, service.name, source, key];
  const deriveBy = async (idOf: (name: string) => string | Promise<string>): Promise<ExchangeId<Id>> => {
    // As JSON no two tuples have one name, whatever is in their members; nor is any of them the name of a UUID's waiter.
    const derive = (...salt: readonly number[]) => idOf(JSON.stringify([...tuple, ...salt]));
    let salt = 0;
    return exchangeOf(await mintRouted(service, await derive(), () => derive(++salt)), form, waiters);
  };
  if (form === "hex") {
    return { ...(await deriveBy((name) => waiters.idFromName(name).toString())), others: [] };
  }
  const byKey = (signingKey: SigningKey) => deriveBy((name) => deriveUuid(name, signingKey));
  const [first, ...others] = await uuidKeys(uuidSecret);
  return { ...(await byKey(first)), others: await Promise.all(others.map(byKey)) };
}

/** Whose ID a text is, in any case; undefined for what this deployment cannot have minted or derived. Wakes nobody. */
export async function findWaiter<Id extends { toString(): string }>(
  text: string,
  waiters: WaiterNamespace<Id>,
  uuidSecret: string | undefined,
): Promise<ExchangeId<Id> | undefined> {
  const read = correlationIdForm(text);
  if (read === undefined) return undefined;
  if (read.form === "uuid") {
    const isOurs = await isSignedByAny(read.id, await importUuidKeys(uuidSecret));
    return isOurs ? exchangeOf(read.id, "uuid", waiters) : undefined;
  }
  try {
    return exchangeOf(read.id, "hex", waiters);
  } catch {
    return undefined;
  }
}

function exchangeOf<Id extends { toString(): string }>(
  correlationId: string,
  form: CorrelationIdForm,
  waiters: WaiterNamespace<Id>,
): ExchangeId<Id> {
  return {
    correlationId,
    waiterId: form === "hex" ? waiters.idFromString(correlationId) : waiters.idFromName(correlationId),
  };
}

/** The environment check at the first request guarantees a secret where a service uses UUIDs. */
async function uuidKeys(variable: string | undefined): Promise<readonly [SigningKey, ...SigningKey[]]> {
  const [first, ...others] = await importUuidKeys(variable);
  if (first === undefined) throw new Error("CORRELATION_ID_SECRET was not checked");
  return [first, ...others];
}

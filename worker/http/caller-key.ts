// Whose requests are counted together, where callers are counted: by a rate limit, and by the places that they take.

/**
 * One text per caller. `principal` names an authenticated one; empty: an anonymous one, who is known by the address.
 * Empty where there is none, as in a runtime that no client can reach: all anonymous callers are one.
 */
export function callerKey(principal: string, address: string | undefined): string {
  if (principal !== "") return JSON.stringify(["principal", principal]);
  return address === undefined ? "" : JSON.stringify(["address", networkOf(address)]);
}

/** Of IPv6 the first 64 bits: whoever has one address there has them all, and could take a new one for each request. */
function networkOf(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(":")) return mapped ?? address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = head.split(":").filter(Boolean);
  const after = (tail ?? "").split(":").filter(Boolean);
  const zeros =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - groups.length - after.length)).fill("0");
  return [...groups, ...zeros, ...after]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":");
}

/** The client's address as the platform says it; no client can choose it. */
export function clientAddress(headers: Headers): string | undefined {
  return headers.get("CF-Connecting-IP") ?? undefined;
}

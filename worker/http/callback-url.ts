// Which URLs a client may name for the callback of its request. Decided by the URL alone: what its name resolves to, a
// Worker cannot see before it asks, so that the list of hosts is what guards (docs/security.md).

/** In characters; far more than webhooks have. It is stored with its exchange, as often as that is. */
const longestUrl = 2_048;

/** Ends of names that mean this machine or this network, or nobody: of special use, or never given out for that reason. */
const innerEnds = new Set([
  "localhost",
  "localdomain",
  "local",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "arpa",
  "test",
  "invalid",
  "onion",
  "alt",
]);

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** A name in the public DNS, as a URL has it once it is parsed: no address, and nothing of this machine or network. */
export function isPublicName(hostname: string): boolean {
  const labels = hostname.split(".");
  const last = labels.at(-1) ?? "";
  return (
    hostname.length <= 253 &&
    labels.length >= 2 &&
    labels.every((each) => label.test(each)) &&
    // The end of a name is never a number; that of an address is.
    /^[a-z]/.test(last) &&
    !innerEnds.has(last)
  );
}

export type CallbackUrl =
  | { readonly ok: true; readonly url: string }
  /** In words for the client, without a word of what it sent. */
  | { readonly ok: false; readonly why: string };

/**
 * `hosts` as the service lists them; undefined: it takes no callbacks. `isOpen`, for local development: http too, and
 * any host.
 */
export function readCallbackUrl(
  text: string,
  hosts: readonly string[] | undefined,
  isOpen: boolean,
): CallbackUrl {
  if (hosts === undefined) return refused("the service takes no callbacks");
  if (text.length > longestUrl) return refused(`it must have at most ${longestUrl} characters`);
  const url = URL.parse(text);
  // A text that parsers might read differently is nobody's: other slashes, escapes in the host, numbers for addresses.
  if (url === null || (url.href !== text && url.href !== `${text}/`)) {
    return refused("it must be one absolute URL in its normal form");
  }
  if (url.protocol !== "https:" && !(isOpen && url.protocol === "http:")) return refused("it must be https");
  if (url.username !== "" || url.password !== "") return refused("it must not have credentials");
  if (text.includes("#")) return refused("it must not have a fragment");
  if (isOpen) return { ok: true, url: url.href };
  if (!isPublicName(url.hostname)) return refused("its host must be a public name");
  return hosts.some((host) => covers(host, url.host))
    ? { ok: true, url: url.href }
    : refused("its host is none that the service calls");
}

/** Both with their port, unless that is the usual one. `*.` stands for one label or several, and not for none. */
function covers(listed: string, host: string): boolean {
  return listed.startsWith("*.") ? host.endsWith(listed.slice(1)) : host === listed;
}

function refused(why: string): CallbackUrl {
  return { ok: false, why };
}

// The path of a request as services get it, and the parameters in it. Which route it belongs to is the router's
// business, which reads it the same way.

export type PathResult =
  | { readonly ok: true; readonly path: string }
  /** In words for the client. */
  | { readonly ok: false; readonly why: string };

/**
 * `pathname` of a parsed URL: dot segments are resolved there, and what is no ASCII is encoded. A trailing slash makes no
 * other path; all else stays as it was sent, so that an encoded slash is none, and no Unicode form is another.
 */
export function readPath(pathname: string): PathResult {
  const decoded = decode(pathname);
  // Read leniently, two paths would be one: "%zz" and "%25zz".
  if (decoded === undefined) return { ok: false, why: "the path is not percent-encoded UTF-8" };
  if (decoded.includes("\0")) return { ok: false, why: "the path has a NUL in it" };
  return { ok: true, path: pathname.length > 1 && pathname.endsWith("/") ? pathname.slice(0, -1) : pathname };
}

function decode(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
}

// The secret that signs UUIDs, or several while one takes the place of another: how its variable is read. What is
// signed with it is in ids.ts; in which order an operator changes it, in docs/operations.md.

/** The first one signs, all verify. */
export type SigningSecrets = readonly [first: string, ...others: string[]];

export type ReadSigningSecrets =
  | { readonly ok: true; readonly secrets: SigningSecrets }
  /** To be said after the variable's name; nothing of what is in it. */
  | { readonly ok: false; readonly problem: string };

const fewestCharacters = 32;
/** Each one more is another ID for every client's key, and another digest for every forged UUID. */
const mostSecrets = 4;

/** `text` is the secret, or a list of them in JSON: what begins with a bracket is a list. */
export function readSigningSecrets(text: string | undefined): ReadSigningSecrets {
  if (text?.startsWith("[") !== true) {
    if (text === undefined || text.length < fewestCharacters) return problem("needs at least 32 characters");
    return { ok: true, secrets: [text] };
  }
  const [first, ...others] = listIn(text);
  if (first === undefined) return problem("begins with a bracket and is no list of secrets in JSON");
  if (others.length >= mostSecrets) return problem(`lists more than ${mostSecrets} secrets`);
  if ([first, ...others].some(({ length }) => length < fewestCharacters)) {
    return problem("needs at least 32 characters in each secret of its list");
  }
  return { ok: true, secrets: [first, ...others] };
}

function problem(text: string): ReadSigningSecrets {
  return { ok: false, problem: text };
}

/** Empty for what is no list of texts. */
function listIn(text: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((each) => typeof each === "string") ? list : [];
  } catch {
    return [];
  }
}

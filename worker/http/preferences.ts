// What a client says in `Prefer` (RFC 7240) about waiting, and how it is told what was heeded. Reading and
// writing the header only: what a preference leads to is the handler's business.

export interface Preferences {
  readonly respondAsync: boolean;
  /** Undefined: nothing that could be heeded was said. */
  readonly waitSeconds: number | undefined;
}

/** The cap of RFC 9111 for delta-seconds, 68 years: a number that nobody can mean stays a number. */
const mostSeconds = 2 ** 31;

/** Heeds what it knows. A preference is wishful, so that one which makes no sense is no error, but ignored. */
export function readPreferences(header: string | null): Preferences {
  const values = new Map<string, string>();
  for (const { name, value } of preferencesIn(header ?? "")) {
    // Only the first instance counts, even one whose value makes no sense.
    if (!values.has(name)) values.set(name, value);
  }
  return {
    // With a value it is another preference than the RFC's: `respond-async=false` asks for nothing.
    respondAsync: values.get("respond-async") === "",
    waitSeconds: secondsIn(values.get("wait")),
  };
}

/** The value of `Preference-Applied`; undefined when there is nothing to tell. */
export function preferenceApplied({ respondAsync, waitSeconds }: Preferences): string | undefined {
  const applied = [
    ...(respondAsync ? ["respond-async"] : []),
    ...(waitSeconds === undefined ? [] : [`wait=${waitSeconds}`]),
  ];
  return applied.length === 0 ? undefined : applied.join(", ");
}

function secondsIn(value: string | undefined): number | undefined {
  return value !== undefined && /^\d+$/.test(value) ? Math.min(Number(value), mostSeconds) : undefined;
}

interface Word {
  readonly name: string;
  /** Empty and absent are the same, says the RFC. */
  readonly value: string;
}

/** Every preference that follows the grammar, in order; parameters are read over. One pass, whatever comes. */
function* preferencesIn(text: string): Generator<Word> {
  const cursor = new Cursor(text);
  while (!cursor.isAtEnd()) {
    const preference = readPreference(cursor);
    cursor.skipSpace();
    // What follows the grammar ends here; anything else is skipped up to the comma that ends it.
    if (cursor.skipElement() && preference !== undefined) yield preference;
  }
}

/** `token [ BWS "=" BWS word ] *( OWS ";" [ OWS parameter ] )`; undefined where a name is missing or a quote is open. */
function readPreference(cursor: Cursor): Word | undefined {
  const preference = readWord(cursor);
  if (preference === undefined) return undefined;
  cursor.skipSpace();
  while (cursor.take(";")) {
    cursor.skipSpace();
    // An empty parameter is none; what is no parameter stops the element before its end.
    readWord(cursor);
    cursor.skipSpace();
  }
  return preference;
}

/** `token [ BWS "=" BWS word ]`, which preferences and parameters both are; their names have no case. */
function readWord(cursor: Cursor): Word | undefined {
  cursor.skipSpace();
  const name = cursor.takeToken().toLowerCase();
  if (name === "") return undefined;
  cursor.skipSpace();
  if (!cursor.take("=")) return { name, value: "" };
  cursor.skipSpace();
  return { name, value: cursor.takeQuoted() ?? cursor.takeToken() };
}

const space = /[ \t]*/y;
/** RFC 9110. */
const token = /[!#$%&'*+.^_`|~0-9a-zA-Z-]*/y;
/** The quantified parts exclude each other, so that nothing is tried twice. */
const quotedString = /"([^"\\]*(?:\\[^][^"\\]*)*)"/y;
const untilCommaOrQuote = /[^,"]*/y;

/** A place in the header that only goes forward. */
class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  skipSpace(): void {
    this.#match(space);
  }

  /** Empty where there is none. */
  takeToken(): string {
    return this.#match(token)?.[0] ?? "";
  }

  /** What a quoted string means, without its escapes; undefined where none begins or it has no end. */
  takeQuoted(): string | undefined {
    return this.#match(quotedString)?.[1]?.replaceAll(/\\([^])/g, "$1");
  }

  /** Goes behind the comma that ends the element; false when anything but the comma was left of it. */
  skipElement(): boolean {
    const from = this.#at;
    for (;;) {
      this.#match(untilCommaOrQuote);
      if (this.isAtEnd()) return this.#at === from;
      if (this.take(",")) return this.#at === from + 1;
      // Commas within quotes separate nothing; after a quote without end nobody can tell what does.
      if (this.#match(quotedString) === undefined) this.#at = this.#text.length;
    }
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text) ?? undefined;
    this.#at += match?.[0].length ?? 0;
    return match;
  }
}

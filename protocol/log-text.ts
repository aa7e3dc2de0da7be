// What others wrote, or what went wrong with it, as it may stand in a log line: one line, whatever it is, and not a long
// one. Which lines there are is decided where they are written.

/** Longest text of others in a line, in characters; an ID, a refusal and a header fit. */
const mostText = 500;
/** Longest cause with its stack, in characters. */
const mostCause = 4_000;

/** Controls, line and paragraph ends, what turns or hides text on a screen, and halves of characters. */
const unfit = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Text from a client, a responder or Kafka: escaped, so that it cannot begin a line of its own, and cut. */
export function logText(text: string): string {
  return escaped(text, mostText);
}

/** What was thrown, with its stack and what caused it. A message may quote what a client sent, so it is escaped too. */
export function logCause(cause: unknown): string {
  return escaped(described(cause, 0), mostCause);
}

function escaped(text: string, most: number): string {
  const shown = text.slice(0, most).replaceAll(unfit, (one) => named[one] ?? `\\u{${codeOf(one)}}`);
  return text.length > most ? `${shown}… (${text.length} characters)` : shown;
}

const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function codeOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16);
}

/** A cause that causes itself must come to an end. */
const deepest = 4;

function described(cause: unknown, depth: number): string {
  if (!(cause instanceof Error)) return textOf(cause);
  const own = cause.stack ?? `${cause.name}: ${cause.message}`;
  if (cause.cause === undefined || depth === deepest) return own;
  return `${own}\ncaused by: ${described(cause.cause, depth + 1)}`;
}

/** Of anything that can be thrown, also of what has no text. */
function textOf(value: unknown): string {
  try {
    if (typeof value === "string") return value;
    return typeof value === "bigint" || typeof value === "symbol"
      ? value.toString()
      : (JSON.stringify(value) ?? typeof value);
  } catch {
    return `a value that cannot be shown (${typeof value})`;
  }
}

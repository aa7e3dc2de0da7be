// JSON in ASCII, so that a header carries it unchanged whatever script its texts are in.

/** `value` is what JSON can say. */
export function asciiJson(value: object): string {
  return JSON.stringify(value).replace(
    /[\x7f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

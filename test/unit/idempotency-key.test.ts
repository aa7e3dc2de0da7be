// Which text of a client is a key, where it may stand, and what a client is told whose key cannot be used.

import { describe, expect, test } from "vitest";
import { readClientKey } from "../../worker/http/idempotency-key.ts";

const uuid = "8e03978e-40d5-43dd-bc93-6894a57f9324";
const optional = { idempotencyKey: "optional", clientCorrelationIdAsKey: false } as const;
const withCorrelationId = { ...optional, clientCorrelationIdAsKey: true };

/** Of a caller who is known, so that length does not come into it, unless told otherwise. */
const read = (
  headers: Record<string, string>,
  service: Parameters<typeof readClientKey>[1] = optional,
  anonymous = false,
) => readClientKey(new Headers(headers), service, anonymous);

const key = (text: string, source = "idempotency-key") => ({ status: "key", key: text, source });
const invalid = (why: string) => ({ status: "unusable", code: "idempotency_key_invalid", why });
const notQuoted = invalid(`Idempotency-Key must be a quoted string, such as "${uuid}"`);

describe("an Idempotency-Key", () => {
  test.each([
    ["a quoted string", `"${uuid}"`, uuid],
    ["with blanks around it", `  "k"  `, "k"],
    ["with escapes", String.raw`"a\"b\\c"`, String.raw`a"b\c`],
    ["with commas and semicolons in it", '"a, b; c"', "a, b; c"],
    ["with blanks in it, which count", '" k "', " k "],
    ["with parameters, which do not count", '"k"; v=1; w="x"', "k"],
    ["of 255 characters", `"${"k".repeat(255)}"`, "k".repeat(255)],
    ["of digits in quotes", '"42"', "42"],
    ["named as a property of every object", '"__proto__"', "__proto__"],
  ])("%s is a key", (_, field, text) => {
    expect(read({ "Idempotency-Key": field })).toEqual(key(text));
  });

  test.each([
    ["bare", uuid],
    ["a bare word", "order-1"],
    ["an integer", "42"],
    ["a decimal", "4.2"],
    ["a boolean", "?1"],
    ["bytes", ":aGVsbG8=:"],
    ["a date", "@1659578233"],
    ["a display string", '%"k"'],
    ["a list of two", '"a", "b"'],
    ["a list in parentheses", '("a" "b")'],
    ["in single quotes", "'k'"],
    ["without an end", '"k'],
    ["ended by its last escape", String.raw`"k\"`],
    ["with another escape", String.raw`"a\n"`],
    ["with text behind it", '"k" x'],
    ["with broken parameters", '"k"; =1'],
    ["not in ASCII", '"schl\u00fcssel"'],
    ["of nothing", ""],
  ])("%s is refused, and the client is told how to write it", (_, field) => {
    expect(read({ "Idempotency-Key": field })).toEqual(notQuoted);
  });

  test("that is empty or too long is refused", () => {
    expect(read({ "Idempotency-Key": '""' })).toEqual(invalid("Idempotency-Key must not be empty"));
    expect(read({ "Idempotency-Key": `"${"k".repeat(256)}"` })).toEqual(
      invalid("Idempotency-Key must have at most 255 characters"),
    );
  });

  test("sent in two lines is two keys, and refused", () => {
    const headers = new Headers({ "Idempotency-Key": '"a"' });
    headers.append("Idempotency-Key", '"a"');
    expect(readClientKey(headers, optional, false)).toEqual(notQuoted);
  });

  test("of an anonymous caller has at least 16 characters, since strangers share its space", () => {
    expect(read({ "Idempotency-Key": '"0123456789abcdef"' }, optional, true)).toEqual(
      key("0123456789abcdef"),
    );
    expect(read({ "Idempotency-Key": '"0123456789abcde"' }, optional, true)).toEqual(
      invalid("Idempotency-Key must have at least 16 characters from an anonymous caller"),
    );
    // Quotes, escapes and parameters make it no longer.
    const padded = String.raw`"\"\"\"\"\"\"\"\""; padding=true`;
    expect(read({ "Idempotency-Key": padded }, optional, true).status).toBe("unusable");
  });
});

describe("without an Idempotency-Key", () => {
  test("there is none, whatever the client's correlation ID is", () => {
    expect(read({})).toEqual({ status: "absent" });
    expect(read({ "X-Correlation-ID": uuid })).toEqual({ status: "absent" });
  });

  test("a service that requires one refuses, and says what is missing", () => {
    const required = { ...optional, idempotencyKey: "required" } as const;
    const missing = `missing: Idempotency-Key, a quoted string such as "${uuid}"`;
    expect(read({ "X-Correlation-ID": uuid }, required)).toEqual({
      status: "unusable",
      code: "idempotency_key_required",
      why: missing,
    });
    expect(read({}, { ...required, clientCorrelationIdAsKey: true })).toMatchObject({
      code: "idempotency_key_required",
      why: `${missing}, or X-Correlation-ID`,
    });
    expect(read({ "Idempotency-Key": "bare" }, required)).toEqual(notQuoted);
    expect(read({ "Idempotency-Key": '"k"' }, required)).toEqual(key("k"));
  });
});

test("a service that ignores keys reads none, not even a broken one", () => {
  const ignored = { ...optional, idempotencyKey: "ignored" } as const;
  for (const field of [`"${uuid}"`, "bare", ""]) {
    expect(read({ "Idempotency-Key": field }, ignored, true)).toEqual({ status: "absent" });
  }
});

describe("where the client's correlation ID may be the key", () => {
  test("it is one as it stands, told apart from an Idempotency-Key of the same text", () => {
    expect(read({ "X-Correlation-ID": "txn-1" }, withCorrelationId)).toEqual(key("txn-1", "correlation-id"));
    expect(read({ "X-Correlation-ID": '"txn-1"' }, withCorrelationId)).toEqual(
      key('"txn-1"', "correlation-id"),
    );
  });

  test("it satisfies a service that requires a key, and absent ones are absent", () => {
    expect(
      read({ "X-Correlation-ID": "txn-1" }, { ...withCorrelationId, idempotencyKey: "required" }),
    ).toEqual(key("txn-1", "correlation-id"));
    expect(read({}, withCorrelationId)).toEqual({ status: "absent" });
  });

  test("an Idempotency-Key goes before it, also a broken one, which is never replaced in silence", () => {
    const both = (field: string) =>
      read({ "Idempotency-Key": field, "X-Correlation-ID": "txn-1" }, withCorrelationId);
    expect(both('"k"')).toEqual(key("k"));
    expect(both("k")).toEqual(notQuoted);
  });

  test("it has the lengths of a key", () => {
    const name = "X-Correlation-ID, which is the key here,";
    const correlationId = (text: string, anonymous = false) =>
      read({ "X-Correlation-ID": text }, withCorrelationId, anonymous);
    expect(correlationId("")).toEqual(invalid(`${name} must not be empty`));
    expect(correlationId("x".repeat(256))).toEqual(invalid(`${name} must have at most 255 characters`));
    expect(correlationId("x".repeat(255)).status).toBe("key");
    expect(correlationId("txn-1", true)).toEqual(
      invalid(`${name} must have at least 16 characters from an anonymous caller`),
    );
  });
});

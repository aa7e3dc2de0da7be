// Forms that several options have.

import * as v from "valibot";

export const wholeNumber = (from: number, to: number, unit: string) =>
  v.pipe(
    v.number(`a number of ${unit} is needed`),
    v.integer(`must be a whole number of ${unit}`),
    v.minValue(from, `must be at least ${from} ${unit}`),
    v.maxValue(to, `must be at most ${to} ${unit}`),
  );

export const yesOrNo = v.boolean("must be true or false");

/** As a variable of the Worker. */
export const secretName = v.pipe(
  v.string("the name of a secret is needed"),
  v.regex(/^[A-Z][A-Z0-9_]{0,63}$/, "must be the name of a secret: A-Z, 0-9 and _"),
);

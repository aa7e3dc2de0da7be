// What the command lines of this folder share: how options are refused, how a number is read, what `--help` and
// a mistake print. What the options are, each command says in its own options.ts.

export type Parsed<Options> =
  | { readonly kind: "run"; readonly options: Options }
  | { readonly kind: "help"; readonly usage: string }
  | { readonly kind: "wrong"; readonly message: string };

/** `read` returns undefined for `--help`, and throws an Error that names the option it cannot take. */
export function parseCommandLine<Options>(usage: string, read: () => Options | undefined): Parsed<Options> {
  try {
    const options = read();
    return options === undefined ? { kind: "help", usage } : { kind: "run", options };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return { kind: "wrong", message: `${message}\n\n${usage}` };
  }
}

/** Throws an Error that says what the option must be: a whole number from `min` to `max`. */
export function numberOf(option: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= min && number <= max) return number;
  throw new Error(
    `${option}: received ${JSON.stringify(text)}; must be a whole number from ${min} to ${max}`,
  );
}

/** Ends the process for `--help` (exit code 0) and for a mistake (1). */
export function optionsOrExit<Options>(parsed: Parsed<Options>): Options {
  if (parsed.kind === "run") return parsed.options;
  if (parsed.kind === "help") console.log(parsed.usage);
  else console.error(parsed.message);
  process.exit(parsed.kind === "help" ? 0 : 1);
}

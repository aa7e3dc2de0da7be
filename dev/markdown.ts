// Tables in Markdown, as Prettier sets them.

/** Columns from `words` on are to the right. What a cell says is not escaped. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  words = 1,
): string {
  const lines = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, at) => Math.max(3, ...lines.map((row) => (row[at] ?? "").length)));
  const line = (cells: readonly string[]) =>
    `| ${widths
      .map((width, at) => (at < words ? (cells[at] ?? "").padEnd(width) : (cells[at] ?? "").padStart(width)))
      .join(" | ")} |`;
  const rule = widths.map((width, at) => (at < words ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  const [first = [], ...others] = lines;
  return [line(first), line(rule), ...others.map(line)].join("\n");
}

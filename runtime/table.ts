/** Tables for terminals, aligned by what the eye sees rather than by character counts. */
import { unicodeWidth } from "@std/cli";

/** Columns between two cells. */
const GAP = "  ";

/** Pads with blanks on the right until the text takes `width` columns; longer text stays whole. */
export function padRight(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - unicodeWidth(text)));
}

/** Pads with blanks on the left. */
export function padLeft(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - unicodeWidth(text))) + text;
}

/**
 * Lays rows out under a heading, each column as wide as its widest cell;
 * columns of numbers are set flush right.
 *
 * @returns Lines without trailing blanks, each ended by a newline
 */
export function formatTable(
  heading: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const texts = [heading, ...rows.map((row) => row.map(String))];
  const columns = heading.map((_, column) => ({
    width: Math.max(...texts.map((row) => unicodeWidth(row[column] ?? ""))),
    numeric: rows.length > 0 && rows.every((row) => typeof row[column] === "number"),
  }));
  return texts.map((row) => {
    const cells = columns.map(({ width, numeric }, column) => {
      const text = row[column] ?? "";
      return numeric ? padLeft(text, width) : padRight(text, width);
    });
    return `${cells.join(GAP).trimEnd()}\n`;
  }).join("");
}

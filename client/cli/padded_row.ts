/** Rows of tables whose columns have widths of their own, as eRaft's have. Pure. */

/** Go's `%-10s %-25s ...`, trailing blanks included: what is wider than its column stays whole. */
export function paddedRow(
  cells: readonly (number | string)[],
  widths: readonly number[],
): string {
  return cells.map((cell, i) => String(cell).padEnd(widths[i] ?? 0)).join(" ");
}

/** Moving through cells that wrap into lines, by the keys that everybody tries. */

export type Direction = "left" | "right" | "up" | "down" | "first" | "last";

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
  Home: "first",
  End: "last",
};

export function directionOf(key: string): Direction | undefined {
  return DIRECTIONS[key];
}

/** The cell to go to; undefined at an edge. */
export function cellInDirection(cell: HTMLElement, direction: Direction): HTMLElement | undefined {
  const map = cell.closest("[role=listbox]");
  if (map === null) return undefined;
  const cells = [...map.querySelectorAll<HTMLElement>("[role=option]")];
  const at = cells.indexOf(cell);
  switch (direction) {
    case "left":
      return cells[at - 1];
    case "right":
      return cells[at + 1];
    case "first":
      return cells[0];
    case "last":
      return cells.at(-1);
    case "up":
      return nearest(cell, cells.slice(0, at).reverse());
    case "down":
      return nearest(cell, cells.slice(at + 1));
  }
}

/** Of the next line of cells, the one that stands closest above or below. */
function nearest(cell: HTMLElement, candidates: readonly HTMLElement[]): HTMLElement | undefined {
  const { left, top } = cell.getBoundingClientRect();
  let best: HTMLElement | undefined;
  let line: number | undefined;
  let distance = Infinity;
  for (const candidate of candidates) {
    const box = candidate.getBoundingClientRect();
    if (box.top === top) continue;
    if (line !== undefined && box.top !== line) break;
    line = box.top;
    if (Math.abs(box.left - left) >= distance) continue;
    distance = Math.abs(box.left - left);
    best = candidate;
  }
  return best;
}

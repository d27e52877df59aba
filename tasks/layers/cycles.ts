/** Finding modules that import each other in a ring. */
import type { Import } from "./module_graph.ts";

/**
 * Returns each ring that a depth-first walk meets, as the list of its files in import order.
 * Imports of types alone are left out: they do not exist at run time.
 */
export function findCycles(imports: readonly Import[]): string[][] {
  const targets = new Map<string, string[]>();
  for (const { from, to, typeOnly } of imports) {
    if (typeOnly) continue;
    targets.set(from, [...(targets.get(from) ?? []), to]);
  }
  const cycles: string[][] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (file: string) => {
    const start = trail.indexOf(file);
    if (start >= 0) cycles.push(trail.slice(start));
    if (start >= 0 || done.has(file)) return;
    trail.push(file);
    for (const target of targets.get(file) ?? []) visit(target);
    trail.pop();
    done.add(file);
  };
  for (const file of [...targets.keys()].sort()) visit(file);
  return cycles;
}

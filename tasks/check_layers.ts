/**
 * Part of `deno task lint`: checks that imports follow the arrows of docs/architecture.md and form
 * no ring. Prints one line for every finding, `file:line: what; what to do`.
 */
import { findCycles } from "./layers/cycles.ts";
import { type Import, readImports } from "./layers/module_graph.ts";
import { forbiddenBecause } from "./layers/rules.ts";

const SKIPPED = new Set([".git", "node_modules", "data", "output", "coverage", "jsr"]);

/** Paths of the project's TypeScript files from its root. */
export async function sourceFiles(root: string, under = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(`${root}/${under}`)) {
    if (SKIPPED.has(entry.name)) continue;
    const path = `${under}${entry.name}`;
    if (entry.isDirectory) found.push(...await sourceFiles(root, `${path}/`));
    else if (/\.tsx?$/.test(path) && !path.endsWith(".d.ts")) found.push(path);
  }
  return found.sort();
}

/** One line for every import that breaks a rule. */
export function findings(imports: readonly Import[]): string[] {
  const forbidden = imports.flatMap(({ from, to, line }) => {
    const reason = forbiddenBecause(from, to);
    return reason === undefined ? [] : [`${from}:${line}: imports ${to}; ${reason}`];
  });
  const rings = findCycles(imports).map((ring) =>
    `${ring[0]}:1: is part of a ring of imports (${[...ring, ring[0]].join(" -> ")}); ` +
    "move what is shared into a file of its own"
  );
  return [...forbidden, ...rings];
}

async function main(): Promise<number> {
  const root = await Deno.realPath(`${import.meta.dirname}/..`);
  const found = findings(await readImports(root, await sourceFiles(root)));
  for (const line of found) Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
  return found.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());

/** The page's colours, worked out: `light-dark()` and variables mean nothing to a canvas. */
import { computed } from "@preact/signals";
import { paletteVersion } from "./page_state.ts";
import { GROUP_COLOURS } from "./group_colours.ts";

export interface Palette {
  readonly text: string;
  readonly grid: string;
  /** By a line's place in the palette. */
  readonly lines: readonly string[];
}

const LINE_TOKENS = Array.from({ length: GROUP_COLOURS }, (_, at) => `--group-${at}`);

/** Read again when the theme changes. */
export const palette = computed<Palette>(() => {
  paletteVersion.value;
  const [text = "", grid = "", ...lines] = resolve(["--text-muted", "--border", ...LINE_TOKENS]);
  return { text, grid, lines };
});

/** All at once: each look at a computed style makes the browser work out the page's styles. */
function resolve(tokens: readonly string[]): string[] {
  const probes = tokens.map((token) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${token})`;
    return probe;
  });
  document.body.append(...probes);
  const colours = probes.map((probe) => getComputedStyle(probe).color);
  for (const probe of probes) probe.remove();
  return colours;
}

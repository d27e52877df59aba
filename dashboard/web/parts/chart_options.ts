/** How a chart looks: colours from the page's own palette, few lines, values at the pointer. */
import type uPlot from "uplot";
import type { Palette } from "../palette.ts";

/** What a value counts: bytes, things that are whole, or anything. */
export type ChartUnit = "bytes" | "whole" | "any";

export interface ChartOptions {
  readonly width: number;
  readonly palette: Palette;
  readonly lines: readonly {
    readonly name: string;
    readonly colour: number;
    readonly dash: number;
  }[];
  readonly unit: ChartUnit;
  readonly show: (value: number | null) => string;
  /** Milliseconds since 1970 as a time of day. */
  readonly clock: (at: number) => string;
}

/** Solid, and three that differ from it and from each other. */
export const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

/** Distances that the lines of an axis may have, where not any will do. */
const STEPS = {
  bytes: Array.from({ length: 45 }, (_, power) => 2 ** power),
  whole: [1, 2, 5].flatMap((digit) => Array.from({ length: 12 }, (_, power) => digit * 10 ** power))
    .sort((a, b) => a - b),
} as const;
const TIME_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
/** A page just opened, with a sample or two, still shows a minute. */
const TIME_RANGE_S_MIN = 60;
export const CHART_HEIGHT_PX = 150;
const AXIS_FONT = "11px system-ui, sans-serif";
/** The pointer's list is read at a glance; with more lines it shows the highest. */
const TIP_LINES_MAX = 8;

export function chartOptions(options: ChartOptions) {
  const { palette } = options;
  const axis = {
    stroke: palette.text,
    font: AXIS_FONT,
    grid: { stroke: palette.grid, width: 1 },
    ticks: { show: false },
  };
  return {
    width: options.width,
    height: CHART_HEIGHT_PX,
    legend: { show: false },
    padding: [8, 28, 0, 0] as [number, number, number, number],
    cursor: { sync: { key: "time" }, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { range: (_: uPlot, first: number | null, last: number | null) => timeRange(first, last) },
      y: { range: (_: uPlot, _low: number | null, high: number | null) => yRange(high) },
    },
    axes: [
      {
        ...axis,
        size: 28,
        incrs: TIME_STEPS_S,
        space: 55,
        values: (_: uPlot, at: number[]) => at.map((t) => options.clock(t * 1000)),
      },
      {
        ...axis,
        size: 72,
        space: 26,
        ...(options.unit === "any" ? {} : { incrs: [...STEPS[options.unit]] }),
        values: (_: uPlot, values: number[]) => values.map((value) => options.show(value)),
      },
    ],
    series: [
      {},
      ...options.lines.map(({ name, colour, dash }) => ({
        label: name,
        stroke: palette.lines[colour] ?? palette.text,
        width: 1.5,
        points: { show: false },
        dash: [...(DASHES[dash] ?? [])],
      })),
    ],
    plugins: [tooltip(options)],
  } satisfies uPlot.Options;
}

function timeRange(first: number | null, last: number | null): uPlot.Range.MinMax {
  if (first === null || last === null) return [0, TIME_RANGE_S_MIN];
  return [Math.min(first, last - TIME_RANGE_S_MIN), last];
}

/** From zero, so that heights compare, with room above. */
function yRange(high: number | null): uPlot.Range.MinMax {
  return high === null || high <= 0 ? [0, 1] : [0, high * 1.1];
}

/** The time and the highest values at the pointer. */
function tooltip({ lines, show, clock }: ChartOptions): uPlot.Plugin {
  const tip = document.createElement("div");
  tip.className = "chart-tip";
  tip.hidden = true;
  return {
    hooks: {
      init: (plot) => plot.over.append(tip),
      setCursor(plot) {
        const at = plot.cursor.idx ?? null;
        // The other charts show the same moment as a line; the list is for the one pointed at.
        tip.hidden = at === null || !plot.over.matches(":hover");
        if (at === null || tip.hidden) return;
        const time = plot.data[0][at];
        const values = lines
          .map((line, index) => ({ name: line.name, value: plot.data[index + 1]?.[at] ?? null }))
          .filter(({ value }) => value !== null)
          .sort((a, b) => (b.value ?? 0) - (a.value ?? 0))
          .slice(0, TIP_LINES_MAX);
        tip.replaceChildren(
          tipLine(time === undefined ? "" : clock(time * 1000)),
          ...values.map(({ name, value }) => tipLine(`${name}  ${show(value)}`)),
        );
        const left = (plot.cursor.left ?? 0) > plot.over.clientWidth / 2;
        tip.classList.toggle("at-left", left);
      },
    },
  };
}

function tipLine(text: string): HTMLElement {
  const line = document.createElement("div");
  line.textContent = text;
  return line;
}

/** Throughput against callers as an SVG: same figures, same bytes. Pure. */

export interface Series {
  readonly name: string;
  readonly color: string;
  /** Shape of the points, so that colour is not all that tells lines apart. */
  readonly marker: "circle" | "square";
  readonly points: readonly { readonly callers: number; readonly perSecond: number }[];
}

export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
}

const PANEL_WIDTH = 400;
const PANEL_HEIGHT = 300;
/** Room around the plot for axes and titles. */
const MARGIN = { left: 64, right: 24, top: 40, bottom: 48 };
const PLOT_WIDTH = PANEL_WIDTH - MARGIN.left - MARGIN.right;
const PLOT_HEIGHT = PANEL_HEIGHT - MARGIN.top - MARGIN.bottom;
const LEGEND_HEIGHT = 28;
/** Fractions of a pixel nobody sees; rounding keeps the file small and stable. */
const DECIMALS = 1;

/** Panels side by side, with the same scale for throughput, both axes logarithmic. */
export function throughputChart(panels: readonly Panel[]): string {
  const values = panels.flatMap(({ series }) => series.flatMap(({ points }) => points));
  const x = scaleOf(values.map(({ callers }) => callers), 0, PLOT_WIDTH, 2);
  const y = scaleOf(values.map(({ perSecond }) => perSecond), PLOT_HEIGHT, 0, 10);
  const width = PANEL_WIDTH * panels.length;
  const height = PANEL_HEIGHT + LEGEND_HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
    `width="${width}" height="${height}" role="img" font-family="sans-serif" font-size="12">`,
    "<title>Requests per second against concurrent callers</title>",
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...panels.map((panel, i) => drawPanel(panel, i * PANEL_WIDTH, x, y)),
    drawLegend(panels[0]?.series ?? []),
    "</svg>",
    "",
  ].join("\n");
}

interface Scale {
  /** Where a value is, in pixels. */
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** From the power of `base` below the least value to the one above the greatest. */
function scaleOf(values: readonly number[], from: number, to: number, base: number): Scale {
  const power = (value: number) => Math.log(value) / Math.log(base);
  // A tiny amount less, so that 1000 counts as 10^3 although its logarithm does not quite.
  const first = Math.floor(power(Math.min(...values)) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(power(Math.max(...values)) - 1e-9));
  const at = (value: number) => from + (to - from) * (power(value) - first) / (last - first);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => base ** (first + i));
  return { at, ticks };
}

function drawPanel({ title, series }: Panel, left: number, x: Scale, y: Scale): string {
  const xLabels = x.ticks.filter((_, i) => i % 2 === 0).map((callers) =>
    text(x.at(callers), PLOT_HEIGHT + 18, String(callers), "middle")
  );
  const grid = y.ticks.flatMap((rate) => [
    `<line x1="0" y1="${px(y.at(rate))}" x2="${PLOT_WIDTH}" y2="${px(y.at(rate))}" stroke="#ddd"/>`,
    text(-8, y.at(rate) + 4, short(rate), "end"),
  ]);
  return [
    `<g transform="translate(${left + MARGIN.left} ${MARGIN.top})">`,
    text(PLOT_WIDTH / 2, -16, title, "middle"),
    ...grid,
    ...xLabels,
    text(PLOT_WIDTH / 2, PLOT_HEIGHT + 38, "concurrent callers", "middle"),
    ...series.map((one) => drawSeries(one, x, y)),
    "</g>",
  ].join("\n");
}

function drawSeries({ color, marker, points }: Series, x: Scale, y: Scale): string {
  const places = points.map(({ callers, perSecond }) => [x.at(callers), y.at(perSecond)] as const);
  const line = places.map(([left, top]) => `${px(left)},${px(top)}`).join(" ");
  return [
    `<polyline points="${line}" fill="none" stroke="${color}" stroke-width="2"/>`,
    ...places.map(([left, top]) => drawMarker(marker, left, top, color)),
  ].join("\n");
}

function drawLegend(series: readonly Series[]): string {
  return series.map(({ name, color, marker }, i) => {
    const left = MARGIN.left + i * 160;
    const top = PANEL_HEIGHT + LEGEND_HEIGHT / 2;
    return drawMarker(marker, left, top - 4, color) + text(left + 12, top, name, "start");
  }).join("\n");
}

function drawMarker(marker: Series["marker"], left: number, top: number, color: string): string {
  return marker === "circle"
    ? `<circle cx="${px(left)}" cy="${px(top)}" r="4" fill="${color}"/>`
    : `<rect x="${px(left - 4)}" y="${px(top - 4)}" width="8" height="8" fill="${color}"/>`;
}

function text(left: number, top: number, content: string, anchor: string): string {
  return `<text x="${px(left)}" y="${px(top)}" text-anchor="${anchor}">${escape(content)}</text>`;
}

function px(value: number): string {
  return String(Number(value.toFixed(DECIMALS)));
}

function short(rate: number): string {
  return rate >= 1_000 ? `${rate / 1_000} k` : String(rate);
}

function escape(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

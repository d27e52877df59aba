/** A picture of a history that failed: one HTML file that needs nothing else. */
import type { CheckResult } from "./checker.ts";
import type { Operation } from "./history.ts";
import { type Bar, type Lane, type Layout, layOut } from "./timeline_layout.ts";
import { TIMELINE_STYLE } from "./timeline_style.ts";

export interface TimelineOptions {
  /** @default {"History"} */
  readonly title?: string | undefined;
  /** What else to say above the picture, such as how to reproduce it. */
  readonly note?: string | undefined;
  /** Most operations to draw, those nearest to the failure. @default {2000} */
  readonly barsMax?: number | undefined;
}

const BARS_MAX_DEFAULT = 2_000;
const COLUMN_PX = 26;
const LABEL_PX = 90;

const VERDICTS = {
  ok: "Linearizable",
  illegal: "Not linearizable: no order of these operations gives these answers",
  unknown: "Undecided: the search ran out of steps",
} as const satisfies Record<CheckResult<unknown, unknown>["kind"], string>;

/**
 * Draws the history of one object: a lane for each client, time from left to
 * right by the order of events, the longest order that could be begun
 * numbered, and the operation that could not follow it marked.
 */
export function renderTimeline<I, O>(
  result: CheckResult<I, O> & { readonly key?: string },
  options: TimelineOptions = {},
): string {
  const { title = "History", note, barsMax = BARS_MAX_DEFAULT } = options;
  const layout = layOut(result, barsMax);
  const subject = result.key === undefined ? "" : `Key ${JSON.stringify(result.key)}. `;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
<style>${TIMELINE_STYLE}</style>
</head>
<body>
<h1>${escape(title)}</h1>
<p class="verdict ${result.kind}">${escape(subject)}${VERDICTS[result.kind]}.</p>
${note === undefined ? "" : `<p><code>${escape(note)}</code></p>`}
${summaryOf(result, layout)}
${LEGEND}
<div class="scroll"><div class="picture" style="width:${widthOf(layout)}px">
${ticksOf(layout)}
${layout.lanes.map((lane) => laneOf(result, lane)).join("\n")}
</div></div>
${orderOf(result)}
</body>
</html>
`;
}

const LEGEND = `<p class="legend">` +
  `<span class="bar placed">placed, with its position</span> ` +
  `<span class="bar stuck">could not be placed</span> ` +
  `<span class="bar open">not placed</span> ` +
  `<span class="bar open maybe">write without an answer</span></p>`;

function summaryOf<I, O>(result: CheckResult<I, O>, layout: Layout): string {
  const { operations, order, states, stuck } = result;
  const lines = [`${operations.length} operations, ${order.length} placed, ${result.steps} steps`];
  if (stuck !== undefined) {
    const client = operations[stuck]?.client;
    lines.push(`Could not be placed: client ${client}, ${result.descriptions[stuck]}`);
    lines.push(`The state before it: ${states.at(-1) ?? "the initial one"}`);
  }
  if (layout.omitted > 0) lines.push(`${layout.omitted} operations farther away are not shown`);
  return `<ul>${lines.map((line) => `<li>${escape(line)}</li>`).join("")}</ul>`;
}

function widthOf(layout: Layout): number {
  return LABEL_PX + layout.columns * COLUMN_PX;
}

function ticksOf(layout: Layout): string {
  const marks = layout.ticks.map(({ column, ms }) =>
    `<span style="left:${LABEL_PX + column * COLUMN_PX}px">${ms} ms</span>`
  );
  return `<div class="ticks">${marks.join("")}</div>`;
}

function laneOf<I, O>(result: CheckResult<I, O>, lane: Lane): string {
  const rows = lane.rows.map((row) =>
    `<div class="row">${row.map((bar) => barOf(result, bar)).join("")}</div>`
  );
  return `<section class="lane"><h2>client ${lane.client}</h2>${rows.join("")}</section>`;
}

function barOf<I, O>(result: CheckResult<I, O>, bar: Bar): string {
  const operation = result.operations[bar.index] as Operation<I, O>;
  const text = result.descriptions[bar.index] ?? "";
  const left = LABEL_PX + bar.from * COLUMN_PX;
  const width = Math.max(1, bar.to - bar.from) * COLUMN_PX - 3;
  const kind = operation.outcome.kind === "maybe" ? " maybe" : "";
  const position = bar.position === undefined ? "" : `<b>${bar.position}</b> `;
  return `<div class="bar ${bar.state}${kind}" style="left:${left}px;width:${width}px" ` +
    `title="${escape(titleOf(result, bar, operation))}">${position}${escape(text)}</div>`;
}

function titleOf<I, O>(result: CheckResult<I, O>, bar: Bar, operation: Operation<I, O>): string {
  const { times, client, outcome } = operation;
  const ended = outcome.kind === "ok" ? `event ${operation.return}` : "no answer";
  const lines = [
    `client ${client}: ${result.descriptions[bar.index]}`,
    `event ${operation.invoke} to ${ended}`,
  ];
  if (times !== undefined) lines.push(`${times.invokeMs} ms to ${times.returnMs ?? "the end"} ms`);
  if (bar.position !== undefined) {
    lines.push(`number ${bar.position} in the order; then ${result.states[bar.position - 1]}`);
  }
  return lines.join("\n");
}

/** The end of the order in words: where it stopped is what matters. */
function orderOf<I, O>(result: CheckResult<I, O>): string {
  const shown = 50;
  const first = Math.max(0, result.order.length - shown);
  const items = result.order.slice(first).map((index, i) =>
    `<li value="${first + i + 1}">client ${result.operations[index]?.client}: ` +
    `${escape(result.descriptions[index] ?? "")}; then ${
      escape(result.states[first + i] ?? "")
    }</li>`
  );
  return items.length === 0 ? "" : `<h2>The end of the order</h2>\n<ol>${items.join("\n")}</ol>`;
}

function escape(text: string): string {
  // Control characters have no place in HTML; line ends do, in hover titles.
  const visible = text.replaceAll(
    /\p{Cc}/gu,
    (c) => c === "\n" ? c : `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return visible.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

/** A chart of lines over time, with its summary in words and its figures as a table. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { clock, format, messages } from "../page_state.ts";
import { type Palette, palette } from "../palette.ts";
import { CHART_HEIGHT_PX, chartOptions, type ChartUnit, DASHES } from "./chart_options.ts";
import { summarize } from "../line_summary.ts";
import { TableFrame } from "./table_frame.tsx";

export interface ChartLine {
  readonly name: string;
  /** Place in the palette. */
  readonly colour: number;
  /** Which of the {@linkcode DASHES}; lines of one colour differ in it. */
  readonly dash: number;
  readonly values: readonly (number | null)[];
}

export interface TimeChartProps {
  readonly title: string;
  readonly times: readonly number[];
  readonly lines: readonly ChartLine[];
  /** Changes with the data. */
  readonly version: number;
  /** A value as text. */
  readonly show: (value: number | null) => string;
  /** @default {"any"} */
  readonly unit?: ChartUnit;
  readonly hasLegend?: boolean;
}

export function TimeChart(props: TimeChartProps) {
  const words = messages.value.nodes;
  const summaries = props.lines.map((line) => summarize(line.values));
  const highest = summaries.reduce(
    (best, { now }, at) => (now ?? -1) > (summaries[best]?.now ?? -1) ? at : best,
    0,
  );
  const now = summaries[highest]?.now ?? null;
  const summary = now === null
    ? words.summaryNone
    : words.summary(props.show(now), props.lines[highest]?.name ?? "");
  return (
    <section class="panel chart">
      <h2>{props.title}</h2>
      {props.hasLegend && <Legend lines={props.lines} />}
      <Plot {...props} label={`${props.title}. ${summary}`} />
      <p class="chart-summary">{summary}</p>
      <Figures {...props} />
    </section>
  );
}

function Legend({ lines }: { readonly lines: readonly ChartLine[] }) {
  return (
    <ul class="legend">
      {lines.map(({ name, colour, dash }) => (
        <li key={name}>
          <LineSample colour={colour} dash={dash} />
          {name}
        </li>
      ))}
    </ul>
  );
}

export function LineSample({ colour, dash }: Pick<ChartLine, "colour" | "dash">) {
  return (
    <svg class={`line-sample group-${colour}`} viewBox="0 0 22 6" aria-hidden="true">
      <path d="M1 3h20" stroke-dasharray={DASHES[dash]?.join(" ")} />
    </svg>
  );
}

function Plot(props: TimeChartProps & { readonly label: string }) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const show = useRef(props.show);
  show.current = props.show;
  const shape = props.lines.map((line) => `${line.name}/${line.colour}/${line.dash}`).join("|");
  const colours = palette.value;
  const { locale } = format.value;

  // Each chart is made, and drawn, in a task of its own: many charts must not hold up the page.
  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height: CHART_HEIGHT_PX });
    });
    const timer = clock.setTimer(() => {
      plot.current = createPlot(element, props, colours, (value) => show.current(value));
      observer.observe(element);
    }, 0);
    return () => {
      timer.cancel();
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, colours, locale]);

  useEffect(() => {
    const timer = clock.setTimer(() => plot.current?.setData(dataOf(props)), 0);
    return () => timer.cancel();
  }, [props.version, shape]);

  return <div class="plot" role="img" aria-label={props.label} ref={holder} />;
}

function createPlot(
  element: HTMLElement,
  props: TimeChartProps,
  colours: Palette,
  show: (value: number | null) => string,
): uPlot {
  const options = chartOptions({
    width: element.clientWidth,
    palette: colours,
    lines: props.lines,
    unit: props.unit ?? "any",
    show,
    clock: (at) => format.peek().clock(at),
  });
  return new uPlot(options, dataOf(props), element);
}

function dataOf({ times, lines }: TimeChartProps): uPlot.AlignedData {
  return [times.map((time) => time / 1000), ...lines.map((line) => [...line.values])];
}

/** Made only when it is opened. */
function Figures({ lines, show, title }: TimeChartProps) {
  const open = useSignal(false);
  const words = messages.value.nodes;
  return (
    <details onToggle={({ currentTarget }) => open.value = currentTarget.open}>
      <summary>{messages.value.asTable}</summary>
      {open.value && (
        <TableFrame label={title}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.columns.node}</th>
                {Object.entries(words.statistics).map(([key, text]) => (
                  <th scope="col" class="number" key={key}>{text}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {lines.map((line) => {
                const { now, lowest, mean, highest } = summarize(line.values);
                return (
                  <tr key={line.name}>
                    <th scope="row">{line.name}</th>
                    {[now, lowest, mean, highest].map((value, at) => (
                      <td class="number" key={at}>{show(value)}</td>
                    ))}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </TableFrame>
      )}
    </details>
  );
}

/** What the nodes measure of themselves, now and over time. */
import { computed, signal } from "@preact/signals";
import type { NodeView } from "../../api.ts";
import { GROUP_COLOURS } from "../group_colours.ts";
import {
  cluster,
  format,
  history,
  historyVersion,
  messages,
  route,
  setParams,
} from "../page_state.ts";
import { nameNode } from "../problems.ts";
import { RoleBadge } from "../parts/badges.tsx";
import { DASHES } from "../parts/chart_options.ts";
import { groupColour } from "../parts/group_mark.tsx";
import { Select } from "../parts/select.tsx";
import { TableFrame } from "../parts/table_frame.tsx";
import { type ChartLine, LineSample, TimeChart } from "../parts/time_chart.tsx";
import { type Metric, METRICS } from "../sample_history.ts";

/** `all`, `replicas`, or a gid, 0 standing for the controllers. */
const scope = computed(() => route.value.params.scope ?? "all");

const shownKeys = computed(() =>
  cluster.nodes.keys.value.filter((key) => {
    const [gid] = key.split("-");
    if (scope.value === "all") return true;
    return scope.value === "replicas" ? gid !== "0" : gid === scope.value;
  })
);

/** Nodes whose lines are switched off. */
const muted = signal<ReadonlySet<string>>(new Set());

export function NodesPage() {
  const words = messages.value.nodes;
  return (
    <>
      <Scope />
      <section class="panel">
        <h2>{words.table}</h2>
        <TableFrame label={words.table}>
          <table>
            <thead>
              <tr>
                {Object.entries(words.columns).map(([name, text]) => (
                  <th key={name} scope="col" class={isText(name) ? "" : "number"}>{text}</th>
                ))}
              </tr>
            </thead>
            <tbody>{shownKeys.value.map((key) => <FigureRow key={key} node={key} />)}</tbody>
          </table>
        </TableFrame>
      </section>
      <h2>{words.charts}</h2>
      <LineSwitches />
      <Charts />
    </>
  );
}

const isText = (column: string) => column === "node" || column === "role";

function Scope() {
  const words = messages.value;
  const groups = cluster.groups.keys.value.map((gid) => ({
    value: String(gid),
    text: words.names.group(gid),
  }));
  return (
    <Select
      label={words.nodes.scope}
      value={scope.value}
      options={[
        { value: "all", text: words.nodes.allNodes },
        { value: "replicas", text: words.nodes.allReplicas },
        { value: "0", text: words.nodes.controllers },
        ...groups,
      ]}
      onChoose={(value) => setParams({ scope: value })}
    />
  );
}

function FigureRow({ node: key }: { readonly node: string }) {
  const node = cluster.nodes.get(key)?.value;
  if (node === undefined) return null;
  const words = messages.value;
  return (
    <tr>
      <th scope="row">
        {nameNode(node.gid, node.id, words)}
        <span class="address">{node.address}</span>
      </th>
      <td>
        <RoleBadge role={node.healthy ? node.role : "Offline"} />
      </td>
      {node.healthy && node.figures !== null
        ? figuresOf(node).map((text, at) => <td key={at} class="number">{text}</td>)
        : <td colSpan={10} class="muted">{words.nodes.noFigures}</td>}
    </tr>
  );
}

function figuresOf({ figures }: NodeView): string[] {
  const shown = format.value;
  if (figures === null) return [];
  return [
    shown.rate(figures.readsPerSecond),
    shown.rate(figures.writesPerSecond),
    shown.latency(figures.readP99Ms),
    shown.latency(figures.writeP99Ms),
    shown.latency(figures.fsyncP99Ms),
    shown.count(figures.applyLag),
    shown.latency(figures.eventLoopLagMs),
    shown.bytes(figures.memoryBytes),
    shown.percent(figures.cpuPercent / 100),
    shown.duration(figures.uptimeMs),
  ];
}

/** The colour is the group's; its nodes differ in their dashes. */
function lineOf(key: string): Omit<ChartLine, "values"> {
  const [gid = 0, id = 0] = key.split("-").map(Number);
  const colour = gid === 0 ? cluster.groups.keys.value.length % GROUP_COLOURS : groupColour(gid);
  return { name: nameNode(gid, id, messages.value), colour, dash: id % DASHES.length };
}

function LineSwitches() {
  const toggle = (key: string) => {
    const next = new Set(muted.value);
    if (!next.delete(key)) next.add(key);
    muted.value = next;
  };
  return (
    <div class="line-switches" role="group" aria-label={messages.value.nodes.legend}>
      {shownKeys.value.map((key) => {
        const line = lineOf(key);
        return (
          <button
            key={key}
            type="button"
            class="chip"
            aria-pressed={!muted.value.has(key)}
            onClick={() => toggle(key)}
          >
            <LineSample colour={line.colour} dash={line.dash} />
            {line.name}
          </button>
        );
      })}
    </div>
  );
}

function Charts() {
  const words = messages.value.nodes;
  const version = historyVersion.value;
  const keys = shownKeys.value.filter((key) => !muted.value.has(key));
  const none = history.times.map(() => null);
  return (
    <div class="charts">
      {METRICS.map((metric) => (
        <TimeChart
          key={metric}
          title={words.chartTitles[metric]}
          times={history.times}
          lines={keys.map((key) => ({
            ...lineOf(key),
            values: history.column(key, metric) ?? none,
          }))}
          version={version}
          unit={metric === "memoryBytes" ? "bytes" : metric === "applyLag" ? "whole" : "any"}
          show={(value) => showSample(value, metric)}
        />
      ))}
    </div>
  );
}

function showSample(value: number | null, metric: Metric): string {
  const shown = format.value;
  switch (metric) {
    case "readsPerSecond":
    case "writesPerSecond":
      return shown.rate(value);
    case "readP99Ms":
    case "writeP99Ms":
    case "fsyncP99Ms":
      return shown.latency(value);
    case "applyLag":
      return shown.count(value);
    case "memoryBytes":
      return shown.bytes(value);
  }
}

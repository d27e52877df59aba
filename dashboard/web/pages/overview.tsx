/** How the cluster is, in one sentence, a few figures, and what needs a look. */
import type { ComponentChildren } from "preact";
import type { Overview, Problem } from "../../api.ts";
import { healthSentence } from "../health.ts";
import { cluster, format, history, historyVersion, messages } from "../page_state.ts";
import { describeProblem } from "../problems.ts";
import { HEALTH_ICONS } from "../parts/badges.tsx";
import { Command } from "../parts/command.tsx";
import { Icon } from "../parts/icon.tsx";
import { type ChartLine, TimeChart } from "../parts/time_chart.tsx";

export function OverviewPage() {
  const overview = cluster.overview.value;
  if (overview === null) return null;
  return (
    <>
      <HealthBanner overview={overview} />
      <Tiles overview={overview} />
      <Problems problems={overview.problems} />
      <Trend />
    </>
  );
}

function HealthBanner({ overview }: { readonly overview: Overview }) {
  return (
    <section
      class={`health-banner health-${overview.health}`}
      aria-label={messages.value.health.heading}
    >
      <Icon name={HEALTH_ICONS[overview.health]} />
      <p class="health-sentence">{healthSentence(overview, messages.value)}</p>
    </section>
  );
}

function Tiles({ overview }: { readonly overview: Overview }) {
  const { overview: words } = messages.value;
  const { count, rate, bytes, latency } = bound();
  return (
    <div class="tiles">
      <Tile
        name={words.operations}
        value={rate(overview.readsPerSecond + overview.writesPerSecond)}
      >
        <Detail name={words.reads} value={rate(overview.readsPerSecond)} />
        <Detail name={words.writes} value={rate(overview.writesPerSecond)} />
      </Tile>
      <Tile name={words.readLatency} value={latency(overview.readP50Ms)} unit="p50">
        <Detail name="p99" value={latency(overview.readP99Ms)} />
      </Tile>
      <Tile name={words.writeLatency} value={latency(overview.writeP50Ms)} unit="p50">
        <Detail name="p99" value={latency(overview.writeP99Ms)} />
      </Tile>
      <Tile name={words.keys} value={count(overview.keys)}>
        <Detail name={words.data} value={bytes(overview.bytes)} />
      </Tile>
      <Tile name={words.storage} value={bytes(overview.storageBytes)}>
        <Detail name={words.onDisk} />
      </Tile>
      <Tile name={words.shards} value={`${overview.shardsServed} / ${overview.shardsTotal}`}>
        <Detail name={words.nodes} value={`${overview.nodesUp} / ${overview.nodesTotal}`} />
        <Detail name={words.groups} value={count(overview.groups)} />
        <Detail name={words.config} value={`#${overview.configNum}`} />
      </Tile>
    </div>
  );
}

/** The formatter's methods, to be called by their names alone. */
function bound() {
  const shown = format.value;
  return {
    count: shown.count.bind(shown),
    rate: shown.rate.bind(shown),
    bytes: shown.bytes.bind(shown),
    latency: shown.latency.bind(shown),
  };
}

interface TileProps {
  readonly name: string;
  readonly value: string;
  /** What the value is, where the name does not tell. */
  readonly unit?: string;
  readonly children: ComponentChildren;
}

function Tile({ name, value, unit, children }: TileProps) {
  return (
    <div class="tile">
      <h2>{name}</h2>
      <p class="tile-value">
        {value} {unit !== undefined && <small>{unit}</small>}
      </p>
      <dl class="tile-details">{children}</dl>
    </div>
  );
}

function Detail({ name, value }: { readonly name: string; readonly value?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      {value !== undefined && <dd>{value}</dd>}
    </div>
  );
}

function Problems({ problems }: { readonly problems: readonly Problem[] }) {
  const { overview: words } = messages.value;
  return (
    <section class="panel">
      <h2>{words.problems}</h2>
      {problems.length === 0 && (
        <p class="all-well">
          <Icon name="ok" />
          {words.noProblems}
        </p>
      )}
      <ul class="problems">
        {problems.map((problem) => <ProblemItem key={problemKey(problem)} problem={problem} />)}
      </ul>
    </section>
  );
}

function problemKey({ code, gid, nodeId, shardId }: Problem): string {
  return [code, gid, nodeId, shardId].join("/");
}

function ProblemItem({ problem }: { readonly problem: Problem }) {
  const { overview: words } = messages.value;
  const text = describeProblem(problem, {
    messages: messages.value,
    format: format.value,
    nodes: cluster.nodes.all(),
  });
  return (
    <li class={`problem ${problem.severity}`}>
      <Icon name={problem.severity} />
      <div>
        <h3>
          <span class="severity">{words.severity[problem.severity]}:</span> {text.what}
          {problem.address && <span class="address">{problem.address}</span>}
          {problem.since !== undefined && (
            <span class="since">{words.since(format.value.dateTime(problem.since))}</span>
          )}
        </h3>
        <p>{text.why}</p>
        <p>
          <strong>{words.fix}:</strong> {text.fix}
        </p>
        <Command text={text.command} />
      </div>
    </li>
  );
}

function Trend() {
  const { overview: words } = messages.value;
  const keys = cluster.nodes.keys.value;
  // Reading the version is what makes this follow the history.
  const version = historyVersion.value;
  const lines: ChartLine[] = [
    { name: words.reads, colour: 0, dash: 0, values: history.sum(keys, "readsPerSecond") },
    { name: words.writes, colour: 1, dash: 1, values: history.sum(keys, "writesPerSecond") },
  ];
  return (
    <TimeChart
      title={words.trend}
      times={history.times}
      lines={lines}
      version={version}
      show={(value) => format.value.rate(value)}
      hasLegend
    />
  );
}

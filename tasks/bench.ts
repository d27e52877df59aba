/**
 * `deno task bench`: our cluster and etcd under the same load on this machine,
 * one after the other, and one table of what came out.
 */
import { nameOf, withCommas } from "./bench/comparison_table.ts";
import { reportChart, reportJson, reportText } from "./bench/comparison_report.ts";
import { replaceSection } from "./bench/document.ts";
import { EtcdError } from "./bench/etcd_process.ts";
import { EtcdSystem } from "./bench/etcd_system.ts";
import { writeFormatted } from "./bench/formatted_file.ts";
import { LoadError } from "./bench/h2load.ts";
import { describeMachine } from "./bench/machine.ts";
import { combine, pointsOf, type SystemFigures, visitsOf } from "./bench/measurement.ts";
import {
  type ComparisonOptions,
  parseComparisonOptions,
  type SystemName,
} from "./bench/options.ts";
import { OurSystem } from "./bench/our_system.ts";
import type { SystemUnderTest } from "./bench/system.ts";
import { loadAndMeasure } from "./bench/load_and_measure.ts";
import { PROJECT_ROOT } from "./cluster/server_command.ts";
import { complain, runTask } from "./run_task.ts";

const PAGE = `${PROJECT_ROOT}/docs/benchmark.md`;
const CHART = `${PROJECT_ROOT}/docs/benchmark_throughput.svg`;

const encoder = new TextEncoder();

function start(name: SystemName, options: ComparisonOptions): Promise<SystemUnderTest> {
  return name === "ours" ? OurSystem.start(options) : EtcdSystem.start(options);
}

async function compare(options: ComparisonOptions): Promise<void> {
  const machine = await describeMachine(options.directory);
  const points = pointsOf(options);
  const titles = new Map<SystemName, string>();
  const visits: Record<SystemName, SystemFigures[]> = { ours: [], etcd: [] };
  for (const name of visitsOf(options)) {
    await using system = await start(name, options);
    titles.set(name, system.title);
    complain(`${system.title}: loading ${withCommas(options.keys)} keys`);
    const figures = await loadAndMeasure(system, {
      ...options,
      points,
      onSample: (point, { perSecond, p99Ms }) =>
        complain(`  ${nameOf(point)}: ${withCommas(perSecond)}/s, p99 ${p99Ms.toFixed(2)} ms`),
    });
    visits[name].push(figures);
  }
  const report = {
    options,
    machine,
    titles: options.systems.map((name) => titles.get(name) ?? name),
    ours: visits.ours.length === 0 ? undefined : combine(visits.ours),
    etcd: visits.etcd.length === 0 ? undefined : combine(visits.etcd),
  };
  const text = options.format === "json" ? reportJson(report) : reportText(report);
  Deno.stdout.writeSync(encoder.encode(text));
  if (!options.write) return;
  await writeFormatted(CHART, reportChart(report));
  const before = await Deno.readTextFile(PAGE);
  await writeFormatted(PAGE, replaceSection(before, "comparison", reportText(report)));
}

function main(args: readonly string[]): Promise<number> {
  return runTask(
    () => compare(parseComparisonOptions(args)),
    (error) => error instanceof EtcdError || error instanceof LoadError,
  );
}

if (import.meta.main) Deno.exit(await main(Deno.args));

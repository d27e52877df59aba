/**
 * `deno task bench:growth`: how the cost of our cluster grows with the number
 * of keys and of groups, and whether it goes on as it began.
 */
import { nameOf, withCommas } from "./bench/comparison_table.ts";
import { replaceSection } from "./bench/document.ts";
import { writeFormatted } from "./bench/formatted_file.ts";
import { LoadError } from "./bench/h2load.ts";
import { describeMachine } from "./bench/machine.ts";
import { measureEndurance } from "./bench/growth/endurance_run.ts";
import { type GroupsFigures, measureGroups } from "./bench/growth/groups_run.ts";
import { type GrowthOptions, type GrowthPart, parseGrowthOptions } from "./bench/growth/options.ts";
import { complaints, type GrowthFigures, reportJson, sections } from "./bench/growth/report.ts";
import type { SizeFigures } from "./bench/growth/size_figures.ts";
import { measureSize } from "./bench/growth/size_run.ts";
import { soak } from "./bench/growth/soak_run.ts";
import { PROJECT_ROOT } from "./cluster/server_command.ts";
import { complain, runTask } from "./run_task.ts";

const PAGE = `${PROJECT_ROOT}/docs/benchmark.md`;
/** Keys that the soak has in store; it writes one of them. */
const SOAK_KEYS = 1_000;

const encoder = new TextEncoder();

async function measure(part: GrowthPart, options: GrowthOptions): Promise<GrowthFigures> {
  switch (part) {
    case "size":
      return { size: await measureSizes(options) };
    case "groups":
      return { groups: await measureAllGroups(options) };
    case "endurance":
      return {
        endurance: await measureEndurance({
          ...options,
          onRun: ({ callers, perSecond }) =>
            complain(`  ${callers} callers: ${withCommas(perSecond)} put/s`),
        }),
      };
    case "soak":
      return {
        soak: await soak({
          ...options,
          keys: SOAK_KEYS,
          onSample: ({ perSecond, residentBytes }) =>
            complain(`  ${withCommas(perSecond)} put/s, ${withCommas(residentBytes)} bytes`),
        }),
      };
  }
}

async function measureSizes(options: GrowthOptions): Promise<SizeFigures[]> {
  const figures: SizeFigures[] = [];
  for (const keys of options.keys) {
    const onStep = (text: string) => complain(`${withCommas(keys)} keys: ${text}`);
    figures.push(await measureSize({ ...options, keys, onStep }));
  }
  return figures;
}

async function measureAllGroups(options: GrowthOptions): Promise<GroupsFigures[]> {
  const [keys = 1] = options.keys;
  const figures: GroupsFigures[] = [];
  for (const groups of options.groups) {
    complain(`${groups} ${groups === 1 ? "group" : "groups"}`);
    const measured = await measureGroups(groups, { ...options, keys });
    for (const { point, sample } of measured.points) {
      complain(`  ${nameOf(point)}: ${withCommas(sample.perSecond)}/s`);
    }
    figures.push(measured);
  }
  return figures;
}

/** @returns The exit code: 1 if something grows that must not */
async function run(options: GrowthOptions): Promise<number> {
  const machine = await describeMachine(options.directory);
  let figures: GrowthFigures = {};
  for (const part of options.parts) figures = { ...figures, ...await measure(part, options) };
  const report = { options, machine, ...figures };
  const written = sections(report);
  const text = written.map((section) => section.text).join("\n");
  Deno.stdout.writeSync(encoder.encode(options.format === "json" ? reportJson(report) : text));
  if (options.write) {
    let document = await Deno.readTextFile(PAGE);
    for (const section of written) document = replaceSection(document, section.name, section.text);
    await writeFormatted(PAGE, document);
  }
  const wrong = complaints(report);
  for (const each of wrong) complain(each);
  return wrong.length === 0 ? 0 : 1;
}

function main(args: readonly string[]): Promise<number> {
  return runTask(() => run(parseGrowthOptions(args)), (error) => error instanceof LoadError);
}

if (import.meta.main) Deno.exit(await main(Deno.args));

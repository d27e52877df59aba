/**
 * `deno task bench:bare`: a store that does only what no replicated store can
 * do without, on the same runtime and libraries as ours (bench/bare/replica.ts).
 * What ours takes beyond it is the price of everything else it does.
 */
import { defineFlags, intFlag } from "../runtime/flags.ts";
import { BareSystem } from "./bench/bare/bare_system.ts";
import { nameOf, threeDigits, withCommas } from "./bench/comparison_table.ts";
import { callersFlag, loadFlags } from "./bench/load_flags.ts";
import { describeMachine, machineText } from "./bench/machine.ts";
import { markdownTable } from "./bench/markdown_table.ts";
import { loadAndMeasure } from "./bench/load_and_measure.ts";
import { runTask } from "./run_task.ts";

const { o: _, ...load } = loadFlags;
const flags = defineFlags("bench:bare", {
  ...load,
  callers: callersFlag,
  keys: intFlag({ default: 500_000, min: 1, max: 1e8, help: "`number` of keys loaded first" }),
});

const encoder = new TextEncoder();

async function measure(args: readonly string[]): Promise<void> {
  const { values, rest } = flags.parse(args);
  if (rest[0] !== undefined) {
    throw flags.error(`Cannot use argument '${rest[0]}': bench:bare takes only flags`);
  }
  const directory = values.dir === "" ? undefined : values.dir;
  const machine = await describeMachine(directory);
  await using system = await BareSystem.start({
    directory,
    keys: values.keys,
    valueBytes: values.valueSize,
  });
  const { points } = await loadAndMeasure(system, {
    points: values.callers.map((callers) => ({ path: "own", operation: "put", callers })),
    warmupMs: values.warmup,
    durationMs: values.duration,
    onSample: () => {},
  });
  const rows = points.map(({ point, sample }) => [
    nameOf(point),
    withCommas(sample.perSecond),
    threeDigits(sample.p50Ms),
    threeDigits(sample.p99Ms),
    threeDigits(sample.cpuSeconds),
  ]);
  const table = markdownTable(["bare", "op/s", "p50 ms", "p99 ms", "CPU s per 1,000"], rows);
  Deno.stdout.writeSync(encoder.encode(`${table}\nMachine: ${machineText(machine)}`));
}

if (import.meta.main) Deno.exit(await runTask(() => measure(Deno.args)));

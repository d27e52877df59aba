/**
 * `deno task bench:turns`: versions of ours, settings of V8, the bare store and
 * etcd, all running at once and put under load in turn, a few seconds each. A
 * host whose speed drifts, as shared ones do, then drifts under all of them.
 */
import { nameOf } from "./bench/comparison_table.ts";
import { describeMachine, machineText } from "./bench/machine.ts";
import type { Point } from "./bench/measurement.ts";
import { ContenderError, ContenderProcess } from "./bench/turns/contender_process.ts";
import { parseTurnsOptions, type TurnsOptions } from "./bench/turns/options.ts";
import { type Turns, turnsTable } from "./bench/turns/report.ts";
import { complain, runTask } from "./run_task.ts";

const encoder = new TextEncoder();

async function compare(options: TurnsOptions): Promise<void> {
  const machine = await describeMachine(options.directory);
  await using stack = new AsyncDisposableStack();
  const contenders: { name: string; process: ContenderProcess }[] = [];
  for (const contender of options.contenders) {
    complain(`${contender.name}: starting and loading`);
    const process = stack.use(await ContenderProcess.start(contender, options));
    contenders.push({ name: contender.name, process });
  }
  for (const callers of options.callers) {
    const point: Point = { path: "own", operation: options.operation, callers };
    complain(nameOf(point));
    for (const { process } of contenders) {
      if (options.warmupMs > 0) await process.take({ point, durationMs: options.warmupMs });
    }
    const turns: Turns[] = contenders.map(({ name }) => ({ name, samples: [] }));
    for (let round = 0; round < options.rounds; round++) {
      for (const [i, { process }] of contenders.entries()) {
        const sample = await process.take({ point, durationMs: options.durationMs });
        turns[i]?.samples.push(sample);
      }
    }
    Deno.stdout.writeSync(encoder.encode(`${turnsTable(point, turns)}\n`));
  }
  Deno.stdout.writeSync(encoder.encode(`Machine: ${machineText(machine)}`));
}

function main(args: readonly string[]): Promise<number> {
  return runTask(
    () => compare(parseTurnsOptions(args)),
    (error) => error instanceof ContenderError,
  );
}

if (import.meta.main) Deno.exit(await main(Deno.args));

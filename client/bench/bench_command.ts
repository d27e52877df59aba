/** `shardkvclient bench`: eRaft's lines around a run, and a record of what was acknowledged. */
import { EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK, exitCodeOf } from "../cli/cli_exit.ts";
import type { KvCliIo } from "../cli/kv_cli_io.ts";
import type { KvClerk } from "../kv_clerk.ts";
import type { BenchCommand } from "./bench_args.ts";
import { ProgressBar } from "./bench_progress.ts";
import { BenchRecord } from "./bench_record.ts";
import { progressText, resultJson, resultText, startText } from "./bench_report.ts";
import { Bench, type BenchResult } from "./bench.ts";

/** How the run is told of. */
export interface BenchStyle {
  readonly format: "text" | "json";
  /** eRaft's progress lines where a terminal would otherwise see a bar. */
  readonly strict: boolean;
}

/**
 * Returns the exit code.
 *
 * @throws {RecordError} When the record cannot be opened or written
 */
export async function benchCommand(
  command: BenchCommand,
  clerk: KvClerk,
  io: KvCliIo,
  { format, strict }: BenchStyle,
): Promise<number> {
  const { record: path } = command;
  const record = path === undefined ? undefined : BenchRecord.open(path, io);
  const hasBar = format === "text" && io.isTerminal && !strict;
  const print = format === "json" ? () => {} : io.stdoutWhileRead;
  print(startText(command));
  let isInterrupted = false;
  let stopListening = () => {};
  try {
    const bench = new Bench({
      ...command,
      clerk,
      clock: io.clock,
      prng: io.prng,
      ...(hasBar ? {} : { onProgress: (done) => print(progressText(done)) }),
      ...(record === undefined ? {} : { onAcknowledged: (key, value) => record.add(key, value) }),
    });
    stopListening = io.onInterrupt(() => {
      isInterrupted = true;
      bench.end();
    });
    const result = await run(bench, command, io, hasBar);
    io.stdout(format === "json" ? resultJson(command, result) : resultText(command, result));
    const code = exitCode(result, io);
    return isInterrupted ? EXIT_INTERRUPTED : code;
  } finally {
    stopListening();
    record?.close();
  }
}

async function run(
  bench: Bench,
  { requests, durationMs }: BenchCommand,
  io: KvCliIo,
  hasBar: boolean,
): Promise<BenchResult> {
  await bench.load();
  if (!hasBar) return await bench.run();
  const { clock, stderr: write } = io;
  const done = () => bench.done;
  const bar = new ProgressBar({ clock, write, requests, durationMs, done });
  try {
    return await bench.run();
  } finally {
    bar.close();
  }
}

function exitCode({ failed, firstError }: BenchResult, io: KvCliIo): number {
  if (failed === 0) return EXIT_OK;
  if (firstError === undefined) return EXIT_ERROR;
  io.stderr(`The first failure: ${firstError.message}\n`);
  return exitCodeOf(firstError.code);
}

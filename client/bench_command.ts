/** `shardkvclient bench`: eRaft's lines around a run, and a record of what was acknowledged. */
import { createHash } from "node:crypto";
import { formatGoDuration } from "../runtime/go_duration.ts";
import { type BenchResult, runBench } from "./bench.ts";
import { exitCodeOf, exitError, exitOk } from "./cli_exit.ts";
import type { KvClerk } from "./kv_clerk.ts";
import type { BenchCommand, OutputFormat } from "./kv_cli_args.ts";
import type { AppendFile, KvCliIo } from "./kv_cli_io.ts";
import { json } from "./kv_cli_output.ts";

/** Characters of the record that wait to be written together. */
const recordCharsMax = 65_536;

/** Returns the exit code. */
export async function benchCommand(
  command: BenchCommand,
  clerk: KvClerk,
  io: KvCliIo,
  format: OutputFormat,
): Promise<number> {
  const { requests, clients, record: path } = command;
  const record = path === undefined ? undefined : openRecord(path, io);
  const print = format === "json" ? () => {} : io.stdout;
  print(`Starting benchmark with ${requests} requests using ${clients} concurrent clients...\n`);
  try {
    const result = await runBench({
      ...command,
      clerk,
      clock: io.clock,
      prng: io.prng,
      onProgress: (done) => print(`Progress: ${done} requests completed...\n`),
      ...(record === undefined ? {} : { onAcknowledged: (key, value) => record.add(key, value) }),
    });
    io.stdout(format === "json" ? resultJson(command, result) : resultText(command, result));
    return exitCode(result, io);
  } finally {
    record?.close();
  }
}

/** The record cannot be opened. */
export class RecordError extends Error {
  override readonly name = "RecordError";
}

/** Lines of `{"key", "sha256"}`, one per acknowledged put. */
class BenchRecord {
  readonly #file: AppendFile;
  #waiting = "";

  constructor(file: AppendFile) {
    this.#file = file;
  }

  add(key: string, value: string): void {
    const sha256 = createHash("sha256").update(value).digest("hex");
    this.#waiting += `${JSON.stringify({ key, sha256 })}\n`;
    if (this.#waiting.length >= recordCharsMax) this.#flush();
  }

  close(): void {
    this.#flush();
    this.#file.close();
  }

  #flush(): void {
    this.#file.append(this.#waiting);
    this.#waiting = "";
  }
}

function openRecord(path: string, io: KvCliIo): BenchRecord {
  try {
    return new BenchRecord(io.openAppend(path));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RecordError(`Cannot open the record ${path}: ${reason}`, { cause });
  }
}

function exitCode({ failed, firstError }: BenchResult, io: KvCliIo): number {
  if (failed === 0) return exitOk;
  if (firstError === undefined) return exitError;
  io.stderr(`The first failure: ${firstError.message}\n`);
  return exitCodeOf(firstError.code);
}

/** eRaft's summary; from `Mean Latency` on it is ours. */
export function resultText(command: BenchCommand, result: BenchResult): string {
  const { successful, failed, durationMs, latencyMs } = result;
  return `
Benchmark Results:
==================
Total Requests:    ${command.requests}
Concurrent Clients: ${command.clients}
Successful:        ${successful}
Failed:            ${failed}
Duration:          ${formatGoDuration(durationMs)}
Throughput:        ${fixed(successful / (durationMs / 1_000))} req/s
Avg Latency:       ${fixed(Math.trunc(durationMs) / successful)} ms
Mean Latency:      ${fixed(latencyMs.mean)} ms
p50 Latency:       ${fixed(latencyMs.p50)} ms
p90 Latency:       ${fixed(latencyMs.p90)} ms
p99 Latency:       ${fixed(latencyMs.p99)} ms
Max Latency:       ${fixed(latencyMs.max)} ms
`;
}

function resultJson(command: BenchCommand, result: BenchResult): string {
  const { requests, clients, mode } = command;
  const { firstError, successful, failed, durationMs, latencyMs } = result;
  const throughput = successful / (durationMs / 1_000);
  const error = firstError === undefined
    ? null
    : { code: firstError.code, message: firstError.message };
  return json({
    bench: {
      requests,
      clients,
      mode,
      successful,
      failed,
      durationMs,
      throughput,
      latencyMs,
      error,
    },
  });
}

/** Go's `%.2f`. */
function fixed(value: number): string {
  return value === Infinity ? "+Inf" : value.toFixed(2);
}

/** What `shardkvclient bench` prints. Pure. */
import { formatGoDuration } from "../../runtime/go_duration.ts";
import { errorField, jsonLine } from "../cli/json_line.ts";
import type { BenchLoad, BenchResult } from "./bench.ts";

/** eRaft's first line; with a duration instead of a number it is ours. */
export function startText({ requests, durationMs, clients }: BenchLoad): string {
  const extent = requests === undefined
    ? `for ${formatGoDuration(durationMs ?? 0)}`
    : `with ${requests} requests`;
  return `Starting benchmark ${extent} using ${clients} concurrent clients...\n`;
}

/** eRaft's line about its first client. */
export function progressText(done: number): string {
  return `Progress: ${done} requests completed...\n`;
}

/** eRaft's summary; from `Mean Latency` on it is ours. */
export function resultText({ clients, ratePerSecond }: BenchLoad, result: BenchResult): string {
  const { successful, failed, durationMs, latencyMs } = result;
  const rate = ratePerSecond === undefined ? "" : `Target Rate:       ${ratePerSecond} req/s\n`;
  return `
Benchmark Results:
==================
Total Requests:    ${successful + failed}
Concurrent Clients: ${clients}
Successful:        ${successful}
Failed:            ${failed}
Duration:          ${formatGoDuration(durationMs)}
Throughput:        ${figure(successful / (durationMs / 1_000), "req/s")}
Avg Latency:       ${figure(Math.trunc(durationMs) / successful, "ms")}
${rate}Mean Latency:      ${figure(latencyMs.mean, "ms")}
p50 Latency:       ${figure(latencyMs.p50, "ms")}
p90 Latency:       ${figure(latencyMs.p90, "ms")}
p99 Latency:       ${figure(latencyMs.p99, "ms")}
p99.9 Latency:     ${figure(latencyMs.p999, "ms")}
Max Latency:       ${figure(latencyMs.max, "ms")}
`;
}

export function resultJson(load: BenchLoad, result: BenchResult): string {
  const { requests, durationMs, ratePerSecond, clients, mode, readRatio } = load;
  const { firstError, successful, failed, latencyMs } = result;
  return jsonLine({
    bench: {
      requests: requests ?? successful + failed,
      clients,
      mode,
      ...(mode === "mixed" ? { readRatio } : {}),
      ...(durationMs === undefined ? {} : { durationMsMax: durationMs }),
      ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
      successful,
      failed,
      durationMs: result.durationMs,
      throughput: successful / (result.durationMs / 1_000),
      latencyMs,
      error: errorField(firstError),
    },
  });
}

/** Go's `%.2f`, and a dash where nothing was measured. */
function figure(value: number, unit: string): string {
  return Number.isFinite(value) ? `${value.toFixed(2)} ${unit}` : "-";
}

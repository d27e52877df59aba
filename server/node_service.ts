/** What a server tells of itself to those who watch it: counts, times, memory. Nothing is scanned. */
import {
  type GetMetricsResponse,
  NodeServiceService,
  type ShardOperations,
  type ValueHistogram,
} from "../proto/gen/node.ts";
import type { RaftNode } from "../raft/node/raft_node.ts";
import { type ServiceRoutes, unary } from "../rpc/service.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Histogram } from "../runtime/histogram.ts";
import type { HostProcess } from "../runtime/host_process.ts";
import type { RequestMetrics } from "./request_metrics.ts";

export interface NodeServiceOptions {
  readonly raft: Pick<RaftNode, "status" | "metrics" | "identity">;
  readonly requests: RequestMetrics;
  /** Of the shards that are here. @default {none} */
  readonly shards?: (() => ShardOperations[]) | undefined;
  readonly clock: Clock;
  readonly host: HostProcess;
}

export class NodeService {
  readonly #options: NodeServiceOptions;
  readonly #startedAtMs: number;

  constructor(options: NodeServiceOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.now();
  }

  get routes(): ServiceRoutes {
    return [unary(NodeServiceService.getMetrics, () => Promise.resolve(this.metrics()))];
  }

  metrics(): GetMetricsResponse {
    const { raft, requests, shards, clock, host } = this.#options;
    const { commit, applied } = raft.status();
    const { memoryBytes, heapBytes, cpuUs } = host.usage();
    return {
      startId: host.startId,
      gid: raft.identity.gid,
      id: raft.identity.nodeId - 1,
      uptimeMs: Math.floor(clock.now() - this.#startedAtMs),
      reads: requests.reads.count,
      writes: requests.writes.count,
      failures: requests.failures,
      readLatency: encodeHistogram(requests.reads),
      writeLatency: encodeHistogram(requests.writes),
      logSync: encodeHistogram(raft.metrics.logSync),
      tickLag: encodeHistogram(raft.metrics.tickLag),
      applyLag: Math.max(0, commit - applied),
      memoryBytes,
      heapBytes,
      cpuUs,
      shards: shards?.() ?? [],
    };
  }
}

function encodeHistogram(histogram: Histogram): ValueHistogram {
  const indexes: number[] = [];
  const counts: number[] = [];
  for (const { index, count } of histogram.buckets()) {
    indexes.push(index);
    counts.push(count);
  }
  return { bucketsPerDoubling: histogram.bucketsPerDoubling, indexes, counts };
}

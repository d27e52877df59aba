/**
 * `deno task measure:move -mib 1024 -callers 64`: what clients notice of a large shard that moves to
 * another group while they write to it and read it. Real processes, and nothing may be lost.
 */
import { CtrlerClerk } from "../../client/ctrler_clerk.ts";
import type { NodeStatus } from "../../client/status/node_status.ts";
import { GrpcDialer } from "../../rpc/grpc/grpc_dialer.ts";
import { sleep, systemClock } from "../../runtime/clock.ts";
import { defineFlags, intFlag } from "../../runtime/flags.ts";
import { createPrng, randomSeed } from "../../runtime/prng.ts";
import type { Gid } from "../../shardctrler/configuration/config.ts";
import { shardOf } from "../../shardctrler/configuration/shard_hash.ts";
import { until } from "../../tasks/cluster/deadline.ts";
import { TestCluster } from "./cluster_harness.ts";
import { percentile } from "./failover.ts";
import { MemoryWatch } from "./memory.ts";
import { longestPause, longestPauseWithin, ShardLoad, type Timed, within } from "./shard_load.ts";
import { parseOrExit } from "./tool_flags.ts";

const MIB = 1 << 20;
/** All keys are in the shard of this tag. */
const TAG = "{move}";
const SHARDS = 16;
const GIDS: readonly [Gid, Gid] = [100, 101];
const READERS = 4;
/** Values are loaded by so many at a time. */
const LOAD_KEYS = 4_096;
/** Behind a move, so that the calls that met its end are answered. */
const QUIET_MS = 2_000;
/** Before a move: what the load does to the machine by itself. */
const BASELINE_MS = 10_000;
/** So long before the new owner is seen to serve the shard it may have changed hands. */
const HAND_OVER_MS = 500;
/** A busy machine with two cores moves some MiB a second. */
const MOVE_TIMEOUT_MS = 3_600_000;
/** So long may writes to a shard stand still that moves. */
const PAUSE_MS_MAX = 200;

export interface MoveOptions {
  readonly mib: number;
  /** Writers of one write at a time each. */
  readonly callers: number;
  /** Moves, to and fro. */
  readonly times: number;
  readonly valueBytes: number;
}

/** One move as the clients saw it. */
export interface MeasuredMove {
  readonly from: Gid;
  readonly to: Gid;
  /** From the command until the new owner serves the shard. */
  readonly ms: number;
  readonly bytes: number;
  /** The longest times in which no write was acknowledged. */
  readonly writePauses: Pauses;
  /** As for writes. */
  readonly readPauses: Pauses;
  /** Latencies of the calls that were under way during the move, in milliseconds. */
  readonly writes: readonly number[];
  readonly reads: readonly number[];
  /** Largest resident sizes of the leaders: of the group that had the shard and of the other. */
  readonly residentBytes: readonly [number, number];
}

/** The longest times in which no call of a kind was answered, in milliseconds. */
export interface Pauses {
  /** Under the same load, before the move. */
  readonly baseline: number;
  /** While the shard was copied and served where it was. */
  readonly copy: number;
  /** The longest that touches the half second in which it changed hands. */
  readonly handOver: number;
  /** Behind it, while the last owner clears what it had. */
  readonly after: number;
}

export interface MoveResult {
  readonly moves: readonly MeasuredMove[];
  /** Keys that do not hold what was acknowledged. */
  readonly wrong: readonly string[];
}

/**
 * Moves a shard to and fro on a cluster of its own.
 *
 * @throws {Error} When a call fails, a move does not end, or a server dies
 */
export async function measureMoves(
  options: MoveOptions,
  onMove: (move: MeasuredMove) => void = () => {},
): Promise<MoveResult> {
  await using cluster = await TestCluster.start({ groups: 2, replicas: 3, shards: SHARDS });
  await using mover = new Mover(cluster);
  const keys = await load(cluster, options);
  await mover.move(GIDS[0]);
  const { callers, valueBytes, times } = options;
  const { clerk } = cluster;
  const shape = { writers: callers, readers: READERS, prefix: TAG, valueBytes };
  const calls = new ShardLoad({ clerk, keys, ...shape });
  const moves: MeasuredMove[] = [];
  try {
    for (let i = 0; i < times; i++) {
      const [from, to] = i % 2 === 0 ? GIDS : [GIDS[1], GIDS[0]];
      const move = await measureMove(cluster, mover, calls, { from, to });
      moves.push(move);
      onMove(move);
    }
    await pause(QUIET_MS);
  } finally {
    await calls.stop();
  }
  if (cluster.deaths.length > 0) throw new Error(`Servers died: ${cluster.deaths.join("\n")}`);
  return { moves, wrong: await calls.wrong() };
}

async function measureMove(
  cluster: TestCluster,
  mover: Mover,
  calls: ShardLoad,
  { from, to }: { readonly from: Gid; readonly to: Gid },
): Promise<MeasuredMove> {
  const baseMs = performance.now();
  await pause(BASELINE_MS);
  const labels = await Promise.all([from, to].map((gid) => cluster.leaderOf(gid)));
  const pids = labels.map((label) => cluster.processes.process(label)?.pid ?? 0);
  const memory = new MemoryWatch(pids);
  const startMs = performance.now();
  const { bytes, endMs } = await mover.move(to);
  // The calls that met the hand-over are answered a little later.
  await pause(QUIET_MS);
  const resident = await memory.stop();
  const toMs = endMs + QUIET_MS;
  const latencies = (all: readonly Timed[]) =>
    within(all, startMs, toMs).map((call) => call.endMs - call.startMs);
  const handOverMs = Math.max(startMs, endMs - HAND_OVER_MS);
  const pausesOf = (all: readonly Timed[]): Pauses => ({
    baseline: longestPause(all, baseMs, startMs),
    copy: longestPause(all, startMs, handOverMs),
    handOver: longestPauseWithin(all, handOverMs, endMs),
    after: longestPause(all, endMs, toMs),
  });
  return {
    from,
    to,
    ms: endMs - startMs,
    bytes,
    writePauses: pausesOf(calls.writes),
    readPauses: pausesOf(calls.reads),
    writes: latencies(calls.writes),
    reads: latencies(calls.reads),
    residentBytes: [resident.get(pids[0] ?? 0) ?? 0, resident.get(pids[1] ?? 0) ?? 0],
  };
}

/** Fills the shard; returns the keys. */
async function load({ clerk }: TestCluster, options: MoveOptions): Promise<string[]> {
  const { mib, valueBytes } = options;
  const count = Math.max(1, Math.ceil(mib * MIB / valueBytes));
  const keys = Array.from({ length: count }, (_, i) => `${TAG}${i}`);
  for (let first = 0; first < count; first += LOAD_KEYS) {
    const value = new Uint8Array(valueBytes).fill(first);
    await clerk.putMany(keys.slice(first, first + LOAD_KEYS).map((key) => [key, value]));
  }
  return keys;
}

function pause(ms: number): Promise<void> {
  return sleep(systemClock, ms, new AbortController().signal);
}

/** Moves the shard, and sees when it has arrived. */
class Mover {
  readonly #cluster: TestCluster;
  readonly #dialer = new GrpcDialer();
  readonly #clerk: CtrlerClerk;
  readonly #shard = shardOf(Buffer.from(TAG), SHARDS);

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
    this.#clerk = new CtrlerClerk({
      controllers: cluster.controllers,
      dialer: this.#dialer,
      clock: systemClock,
      prng: createPrng(randomSeed()),
    });
  }

  /** @returns How large it is, and when it was served by the group */
  async move(gid: Gid): Promise<{ readonly bytes: number; readonly endMs: number }> {
    const { num } = await this.#clerk.move(this.#shard, gid);
    let seen = "nothing";
    const arrived = await until(
      () => `shard ${this.#shard} has not come to group ${gid}: ${seen}`,
      MOVE_TIMEOUT_MS,
      async () => {
        const leader = leaderOf(await this.#cluster.admin.status(), gid);
        const held = leader?.shards.find(({ shard }) => shard === this.#shard);
        seen = `${held?.status ?? "not there"}, ${held?.bytes ?? 0} bytes`;
        const isServed = held?.status === "Serving" || held?.status === "GCing";
        const isThere = (leader?.configNum ?? 0) >= num && isServed;
        return isThere ? { bytes: held.bytes, endMs: performance.now() } : undefined;
      },
      50,
    );
    await this.#cluster.served();
    return arrived;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#clerk.close();
    await this.#dialer.close();
  }
}

function leaderOf(nodes: readonly NodeStatus[], gid: Gid): NodeStatus | undefined {
  return nodes.find((node) => node.gid === gid && node.role === "Leader");
}

/** What is wrong with the result, in words; undefined if nothing is. */
export function complaint(
  { moves, wrong }: MoveResult,
  pauseMsMax = PAUSE_MS_MAX,
): string | undefined {
  if (wrong.length > 0) return `Writes are lost or doubled in ${wrong.slice(0, 10).join(", ")}`;
  const p99 = percentile(moves.map(({ writePauses }) => writePauses.handOver), 99);
  return p99 > pauseMsMax
    ? `Writes stood still for ${Math.round(p99)} ms (p99) as the shard changed hands: ` +
      `at most ${pauseMsMax} are allowed`
    : undefined;
}

function describeMove(move: MeasuredMove): string {
  const { from, to, ms, bytes, writes, reads, residentBytes } = move;
  const pauses = ({ baseline, copy, handOver, after }: Pauses) =>
    [baseline, copy, handOver, after].map(Math.round).join("/");
  const mib = (value: number) => (value / MIB).toFixed(1);
  const latencies = (values: readonly number[]) =>
    [50, 99, 100].map((percent) => `${Math.round(percentile(values, percent))}`).join("/");
  return [
    `${from} -> ${to}: ${mib(bytes)} MiB in ${(ms / 1_000).toFixed(1)} s, ` +
    `${mib(bytes / ms * 1_000)} MiB/s`,
    `  longest pause before the move/while it is copied/at the hand-over/after it, in ms: ` +
    `writes ${pauses(move.writePauses)}, reads ${pauses(move.readPauses)}`,
    `  p50/p99/max ms: ${writes.length} writes ${latencies(writes)}, ` +
    `${reads.length} reads ${latencies(reads)}`,
    `  peak memory of the leaders: ${mib(residentBytes[0])} and ${mib(residentBytes[1])} MiB`,
    "",
  ].join("\n");
}

if (import.meta.main) {
  const flags = defineFlags("move", {
    mib: intFlag({ default: 1_024, min: 1, help: "size of the shard, in `number` MiB" }),
    callers: intFlag({ default: 64, min: 1, help: "writers of one write at a time each" }),
    times: intFlag({ default: 1, min: 1, help: "move the shard `number` times, to and fro" }),
    "value-bytes": intFlag({ default: 4_096, min: 1, max: MIB, help: "size of a value" }),
  });
  const { values } = parseOrExit(() => flags.parse(Deno.args));
  const encoder = new TextEncoder();
  const print = (text: string) => void Deno.stdout.writeSync(encoder.encode(text));
  const result = await measureMoves(
    { ...values, valueBytes: values["value-bytes"] },
    (move) => print(describeMove(move)),
  );
  const text = complaint(result);
  if (text !== undefined) {
    Deno.stderr.writeSync(encoder.encode(`${text}\n`));
    Deno.exit(1);
  }
  print("Every acknowledged write is there, once\n");
}

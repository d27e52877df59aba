/**
 * `deno task load:leave -keys 1000000`: loads keys, takes a group out, and checks that all of them
 * are still there and that no process needed much memory for it.
 */
import type { KvClerk } from "../../client/kv_clerk.ts";
import { defineFlags, intFlag } from "../../runtime/flags.ts";
import { MemoryWatch } from "./memory.ts";
import { TestCluster } from "./cluster_harness.ts";

const VALUE_BYTES = 100;
/** Keys of one putMany or getMany. */
const BATCH_KEYS = 1000;
/** putMany calls under way. */
const BATCHES_IN_FLIGHT = 4;
export const RESIDENT_BYTES_MAX = 600 << 20;

export interface LoadFigures {
  readonly keys: number;
  readonly loadSeconds: number;
  readonly leaveSeconds: number;
  readonly checkSeconds: number;
  /** Largest resident size of any server, in bytes. */
  readonly residentBytesMax: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function keyOf(index: number): string {
  return `key-${String(index).padStart(9, "0")}`;
}

/** The value is a function of the key, so that every single one can be checked. */
function valueOf(index: number): Uint8Array {
  return encoder.encode(`${index}:`.padEnd(VALUE_BYTES, String(index % 9973)));
}

/**
 * Runs the whole story on a cluster of its own.
 *
 * @throws {Error} When a key is missing, doubled or changed, or a process grows too large
 */
export async function loadAndLeave(keys: number): Promise<LoadFigures> {
  await using cluster = await TestCluster.start({ groups: 2, replicas: 3, shards: 64 });
  const watch = new MemoryWatch(cluster.processes.processes.map((node) => node.pid));
  try {
    const loadSeconds = await timed(() => load(cluster.clerk, keys));
    const leaveSeconds = await timed(async () => {
      await cluster.admin.leave([101]);
      await cluster.served();
    });
    const checkSeconds = await timed(() => check(cluster.clerk, keys));
    if (cluster.deaths.length > 0) throw new Error(`Servers died: ${cluster.deaths.join("\n")}`);
    const residentBytesMax = Math.max(...(await watch.stop()).values());
    if (residentBytesMax > RESIDENT_BYTES_MAX) {
      throw new Error(
        `A server took ${residentBytesMax} bytes: the limit is ${RESIDENT_BYTES_MAX}`,
      );
    }
    return { keys, loadSeconds, leaveSeconds, checkSeconds, residentBytesMax };
  } finally {
    await watch.stop();
  }
}

async function load(clerk: KvClerk, keys: number): Promise<void> {
  await inBatches(
    keys,
    (indices) => clerk.putMany(indices.map((index) => [keyOf(index), valueOf(index)] as const)),
  );
}

/** Count and order by a scan, every value by getMany. */
async function check(clerk: KvClerk, keys: number): Promise<void> {
  let next = 0;
  for await (const { key } of clerk.scan({ prefix: "key-", keysOnly: true })) {
    const found = decoder.decode(key);
    if (found !== keyOf(next)) throw new Error(`Found ${found} where ${keyOf(next)} should be`);
    next++;
  }
  if (next !== keys) throw new Error(`Found ${next} keys of ${keys}`);
  await inBatches(keys, async (indices) => {
    const values = await clerk.getMany(indices.map(keyOf));
    for (const [position, index] of indices.entries()) {
      const value = decoder.decode(values[position]);
      if (value !== decoder.decode(valueOf(index))) {
        throw new Error(`Found '${value}' under ${keyOf(index)}`);
      }
    }
  });
}

/** Hands out 0..count-1 in batches to a few workers. */
async function inBatches(
  count: number,
  work: (indices: readonly number[]) => Promise<void>,
): Promise<void> {
  let begun = 0;
  const worker = async () => {
    while (begun < count) {
      const first = begun;
      begun = Math.min(count, begun + BATCH_KEYS);
      await work(Array.from({ length: begun - first }, (_, offset) => first + offset));
    }
  };
  await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, worker));
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function describe(figures: LoadFigures): string {
  const rate = (seconds: number) =>
    `${seconds.toFixed(1)} s (${Math.round(figures.keys / seconds)} keys/s)`;
  return [
    `keys     ${figures.keys}`,
    `load     ${rate(figures.loadSeconds)}`,
    `leave    ${figures.leaveSeconds.toFixed(1)} s`,
    `check    ${rate(figures.checkSeconds)}`,
    `max RSS  ${(figures.residentBytesMax / (1 << 20)).toFixed(0)} MiB`,
    "",
  ].join("\n");
}

if (import.meta.main) {
  const { values } = defineFlags("load_and_leave", {
    keys: intFlag({ default: 1_000_000, help: "number of keys" }),
  }).parse(Deno.args);
  Deno.stdout.writeSync(encoder.encode(describe(await loadAndLeave(values.keys))));
}

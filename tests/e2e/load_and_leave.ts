/**
 * `deno task load:leave -keys 1000000`: loads keys, takes a group out, and checks that all of them
 * are still there and that no process needed much memory for it.
 */
import type { KvClerk } from "../../client/kv_clerk.ts";
import { defineFlags, intFlag } from "../../runtime/flags.ts";
import { formatTable } from "../../runtime/table.ts";
import { MemoryWatch } from "./memory.ts";
import { TestCluster } from "./cluster_harness.ts";
import { parseOrExit } from "./tool_flags.ts";

const VALUE_BYTES = 100;
/** Keys of one putMany or getMany. */
const BATCH_KEYS = 1000;
/** putMany calls under way. */
const BATCHES_IN_FLIGHT = 4;
/** No server may take more memory than this, however much it holds. */
const RESIDENT_BYTES_MAX = 600 << 20;

/** One part of the story. */
export interface Phase {
  readonly name: "load" | "leave" | "scan" | "get";
  readonly seconds: number;
  /** Largest resident size of any server while it lasted, in bytes. */
  readonly residentBytesMax: number;
  /** The server that was that large. */
  readonly largest: string;
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
 * @throws {Error} When a key is missing, doubled or changed, or a server dies
 */
export async function loadAndLeave(keys: number): Promise<Phase[]> {
  await using cluster = await TestCluster.start({ groups: 2, replicas: 3, shards: 64 });
  const leave = async () => {
    await cluster.admin.leave([101]);
    await cluster.served();
  };
  const phases = [
    await watched(cluster, "load", () => load(cluster.clerk, keys)),
    await watched(cluster, "leave", leave),
    await watched(cluster, "scan", () => scan(cluster.clerk, keys)),
    await watched(cluster, "get", () => get(cluster.clerk, keys)),
  ];
  if (cluster.deaths.length > 0) throw new Error(`Servers died: ${cluster.deaths.join("\n")}`);
  return phases;
}

/** Runs one phase, with an eye on the clock and on the servers' memory. */
async function watched(
  cluster: TestCluster,
  name: Phase["name"],
  work: () => Promise<void>,
): Promise<Phase> {
  const labels = new Map(cluster.processes.processes.map((node) => [node.pid, node.label]));
  const watch = new MemoryWatch([...labels.keys()]);
  const start = performance.now();
  try {
    await work();
  } finally {
    await watch.stop();
  }
  const seconds = (performance.now() - start) / 1000;
  const [pid, residentBytesMax] = [...await watch.stop()].reduce(
    (largest, candidate) => candidate[1] > largest[1] ? candidate : largest,
    [0, 0],
  );
  return { name, seconds, residentBytesMax, largest: labels.get(pid) ?? "none" };
}

async function load(clerk: KvClerk, keys: number): Promise<void> {
  await inBatches(
    keys,
    (indices) => clerk.putMany(indices.map((index) => [keyOf(index), valueOf(index)] as const)),
  );
}

/** Every key once, in order. */
async function scan(clerk: KvClerk, keys: number): Promise<void> {
  let next = 0;
  for await (const { key } of clerk.scan({ prefix: "key-", keysOnly: true })) {
    const found = decoder.decode(key);
    if (found !== keyOf(next)) throw new Error(`Found ${found} where ${keyOf(next)} should be`);
    next++;
  }
  if (next !== keys) throw new Error(`Found ${next} keys of ${keys}`);
}

/** Every value, byte by byte. */
async function get(clerk: KvClerk, keys: number): Promise<void> {
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

function describe(keys: number, phases: readonly Phase[]): string {
  const rows = phases.map((phase) => [
    phase.name,
    `${phase.seconds.toFixed(1)} s`,
    phase.name === "leave" ? "" : `${Math.round(keys / phase.seconds)} keys/s`,
    `${Math.round(phase.residentBytesMax / (1 << 20))} MiB`,
    phase.largest,
  ]);
  return formatTable(["PHASE", "TIME", "RATE", "MAX RSS", "OF"], rows);
}

/** The first phase in which a server was too large, in words; undefined if none was. */
export function tooLarge(phases: readonly Phase[]): string | undefined {
  const phase = phases.find(({ residentBytesMax }) => residentBytesMax > RESIDENT_BYTES_MAX);
  return phase && `Server ${phase.largest} took ${phase.residentBytesMax} bytes during ` +
      `${phase.name}: at most ${RESIDENT_BYTES_MAX} are allowed`;
}

if (import.meta.main) {
  const flags = defineFlags("load_and_leave", {
    keys: intFlag({ default: 1_000_000, min: 1, help: "`number` of keys" }),
  });
  const { values } = parseOrExit(() => flags.parse(Deno.args));
  const phases = await loadAndLeave(values.keys);
  Deno.stdout.writeSync(encoder.encode(describe(values.keys, phases)));
  const complaint = tooLarge(phases);
  if (complaint !== undefined) {
    Deno.stderr.writeSync(encoder.encode(`${complaint}\n`));
    Deno.exit(1);
  }
}

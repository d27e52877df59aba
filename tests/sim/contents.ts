/** Compares what the replicas of a group hold at the end, record by record. */
import { SnapshotMeta } from "../../proto/gen/raft.ts";
import { decodeSnapshotMeta } from "../../raft/node/transport/codec.ts";
import {
  appliedKey,
  generationRange,
  MACHINE_PREFIX_BYTES,
  nodeKey,
} from "../../storage/key_space.ts";
import { type NodeView, Violation } from "./observation.ts";
import type { SimCluster } from "./sim_cluster.ts";
import type { SimNode } from "./sim_node.ts";

/** What still has to be cleared before replicas can be equal; empty once nothing is. */
export function uncleared(cluster: SimCluster): string {
  const busy = viewsOf(cluster.survivors.flat()).find(hasGarbage);
  return busy === undefined ? "" : `${busy.address} does not clear what it gave up`;
}

/** @throws {Violation} When two replicas of a group hold different records */
export function assertSameContents(cluster: SimCluster): void {
  for (const nodes of cluster.survivors) {
    const [first, ...others] = viewsOf(nodes);
    if (first === undefined) continue;
    const expected = recordsOf(first);
    for (const other of others) {
      const difference = differenceBetween(expected, recordsOf(other));
      if (difference === "") continue;
      const message = `${first.address} and ${other.address} differ: ${difference}`;
      throw new Violation("19 replicas are equal at equal indexes", message);
    }
  }
}

function viewsOf(nodes: readonly SimNode[]): NodeView[] {
  return nodes.flatMap(({ view }) => view ?? []);
}

function hasGarbage({ machine }: NodeView): boolean {
  return machine.kind === "group" && machine.machine.ownership.garbage.length > 0;
}

/** Records of the machine by key, without the generation they are stored under. */
function recordsOf(view: NodeView): Map<string, string> {
  const content = view.content();
  const generation = content.get(nodeKey("generation"))?.readUInt32BE(0) ?? 1;
  const records = new Map<string, string>();
  const applied = content.get(appliedKey(generation));
  if (applied !== undefined) {
    const { index, term } = decodeSnapshotMeta(SnapshotMeta.decode(applied));
    records.set("applied", `${index} ${term}`);
  }
  for (const { key, value } of content.slice(generationRange(generation), Infinity)) {
    if (key[MACHINE_PREFIX_BYTES - 1] === 0) continue;
    records.set(key.toString("hex", MACHINE_PREFIX_BYTES), value.toString("hex"));
  }
  return records;
}

function differenceBetween(a: Map<string, string>, b: Map<string, string>): string {
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    if (a.get(key) !== b.get(key)) {
      return `record ${key} is ${a.get(key) ?? "missing"} and ${b.get(key) ?? "missing"}`;
    }
  }
  return "";
}

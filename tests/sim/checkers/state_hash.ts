/** Replicas that have applied the same are the same: items 19 and 20. */
import { crc32 } from "node:zlib";
import type { Ready } from "../../../raft/ready.ts";
import type { LogIndex } from "../../../raft/types.ts";
import type { StoredContent } from "../../../storage/memory_engine.ts";
import type { NodeView, Observer, SystemView } from "../observation.ts";
import { check } from "./items.ts";
import { appliedRecord, machineRecords, readFacts } from "./stored_facts.ts";

/** One index in so many is compared: every replica passes most of them one by one. */
const STRIDE = 8;

const SHARD_RECORD_GARBAGE = 0x03;
const SHARD_DATA = 0x04;
/** Region, shard and incarnation. */
const STAY_BYTES = 7;

interface Seen {
  readonly hash: number;
  readonly address: string;
  readonly hadSnapshot: boolean;
}

export class StateHashChecker implements Observer {
  readonly #seen = new Map<string, Seen>();
  /** Disks whose state came from a snapshot at some time. */
  readonly #snapshots = new Set<string>();

  roundTaken(node: NodeView, { snapshot }: Ready): void {
    if (snapshot !== undefined) this.#snapshots.add(diskOf(node));
  }

  appliedTo(node: NodeView, index: LogIndex): void {
    if (index % STRIDE === 0) this.#compare(node);
  }

  ended({ nodes }: SystemView): void {
    for (const node of nodes) this.#compare(node);
  }

  #compare(node: NodeView): void {
    const content = node.content();
    const { applied: { index } } = readFacts(content);
    const hash = stateHash(content, node.machine.kind === "group");
    const hadSnapshot = this.#snapshots.has(diskOf(node));
    const name = `${node.gid} ${index}`;
    const other = this.#seen.get(name);
    if (other === undefined) {
      this.#seen.set(name, { hash, address: node.address, hadSnapshot });
      return;
    }
    check(
      other.hash === hash,
      other.hadSnapshot === hadSnapshot ? "sameState" : "snapshotState",
      () => `At ${index} the states of ${node.address} and ${other.address} differ`,
    );
  }
}

/** A number for all that a machine keeps, except what a group has given up and may clear at any time. */
export function stateHash(content: StoredContent, isGroup: boolean): number {
  const records = machineRecords(content);
  const garbage = new Set<string>();
  if (isGroup) {
    for (const { key } of records) {
      if (key[0] === SHARD_RECORD_GARBAGE) garbage.add(key.toString("latin1", 1));
    }
  }
  let hash = crc32(appliedRecord(content) ?? "");
  for (const { key, value } of records) {
    if (isGroup && key[0] === SHARD_RECORD_GARBAGE) continue;
    const isGivenUp = isGroup && garbage.size > 0 && key[0] === SHARD_DATA &&
      garbage.has(key.toString("latin1", 1, STAY_BYTES));
    if (!isGivenUp) hash = crc32(value, crc32(key, hash));
  }
  return hash;
}

function diskOf({ address, disk }: NodeView): string {
  return `${address} ${disk}`;
}

/** The values of a shard, and how many keys and bytes it has: one never changes without the other. */
import type { MachineView, RecordRef } from "../../raft/node/apply/state_machine.ts";
import { userKeyBytes } from "./machine_keys.ts";
import type { Shard } from "./shard_record.ts";

/** @param oldBytes Bytes of the value before; undefined if there was none */
export function setValue(
  shard: Shard,
  record: RecordRef,
  value: Uint8Array,
  oldBytes: number | undefined,
  view: MachineView,
): void {
  if (oldBytes === undefined) {
    shard.keys++;
    shard.bytes += userKeyBytes(record.key) + value.length;
  } else {
    shard.bytes += value.length - oldBytes;
  }
  view.put(record, value);
}

/** @returns Whether there was one */
export function removeValue(shard: Shard, record: RecordRef, view: MachineView): boolean {
  const oldBytes = view.lengthOf(record);
  if (oldBytes === undefined) return false;
  shard.keys--;
  shard.bytes -= userKeyBytes(record.key) + oldBytes;
  view.del(record);
  return true;
}

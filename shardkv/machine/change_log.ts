/**
 * The change log of a shard that is leaving: which of its records have been
 * written since its group entered the configuration that gives it away. It
 * says no more than that; whoever copies the shard asks for what they are now.
 *
 * Pure: the same on all replicas, since it is written with the commands and in
 * their order. It is cleared with the records of the stay.
 */
import type { MachineView } from "../../raft/node/apply/state_machine.ts";
import { CHANGE_LOG_BYTES_MAX } from "../limits.ts";
import { changeCursor, recordKey, relativeOf } from "./machine_keys.ts";
import type { Shard } from "./shard_record.ts";

/**
 * Notes that a record has been written, if the shard is leaving.
 *
 * @param record The record's machine key
 * @param view Where the change goes: beside the record
 */
export function noteChange(shard: Shard, record: Uint8Array, view: MachineView): void {
  if (shard.status !== "Leaving") return;
  const relative = relativeOf(record);
  shard.changes++;
  const key = recordKey(shard, changeCursor(shard.changes));
  shard.changeBytes += key.length + relative.length;
  view.put(view.record(key), relative);
}

/** Whether the log has no room for more: the shard must be frozen, lest the disk fill up. */
export function isChangeLogFull({ status, changeBytes }: Shard): boolean {
  return status === "Leaving" && changeBytes >= CHANGE_LOG_BYTES_MAX;
}

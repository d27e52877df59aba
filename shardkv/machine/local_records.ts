/**
 * Tells which records each replica of a group keeps for itself: garbage, which each
 * clears in its own time.
 */
import type { LocalRecords } from "../../raft/node/apply/state_machine.ts";
import { garbageRange, STAY_PREFIX_BYTES, stayRange } from "./machine_keys.ts";

const [GARBAGE_REGION] = garbageRange().start;
const [DATA_REGION] = stayRange({ shard: 0, incarnation: 0 }).start;

/** Begins a pass over a group's records: those that name garbage come before what they name. */
export function localRecords(): LocalRecords {
  const garbage = new Set<string>();
  return (key) => {
    if (key[0] === GARBAGE_REGION) {
      garbage.add(nameOfStay(key));
      return true;
    }
    return garbage.size > 0 && key[0] === DATA_REGION && garbage.has(nameOfStay(key));
  };
}

function nameOfStay(key: Buffer): string {
  return key.toString("latin1", 1, STAY_PREFIX_BYTES);
}

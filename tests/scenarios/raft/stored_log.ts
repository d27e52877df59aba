/** The log as it lies on a node's disk. */
import type { Engine } from "../../../storage/engine.ts";

/** Bytes of all records of the journal. */
export async function logBytes({ journal }: Engine): Promise<number> {
  let bytes = 0;
  for await (const { payload } of journal.records()) bytes += payload.length;
  return bytes;
}

/** The log as it lies in a node's engine. */
import type { Engine } from "../../../storage/engine.ts";
import { logRange } from "../../../storage/key_space.ts";

/** Bytes of all log records, with their keys. */
export async function logBytes(engine: Engine): Promise<number> {
  const records = await engine.scan(logRange(0));
  return records.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
}

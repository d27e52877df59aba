/** What a group says of the size of a shard: part of item 23. */
import type { ShardId } from "../../../shardctrler/config.ts";
import type { NodeView } from "../observation.ts";
import { check } from "./items.ts";
import type { StayRecords } from "./stay_records.ts";

/** Keys and bytes are counted with every write and must be what is there. */
export function checkSize(node: NodeView, shard: ShardId, { values }: StayRecords): void {
  if (node.machine.kind !== "group") return;
  const figures = node.machine.machine.figures().find((each) => each.shard === shard);
  let bytes = 0;
  for (const [key, value] of values) bytes += Buffer.byteLength(key) + value.length;
  check(
    figures?.keys === values.size && figures.bytes === bytes,
    "census",
    () =>
      `Shard ${shard} at ${node.address} is said to hold ${figures?.keys} keys of ` +
      `${figures?.bytes} bytes: there are ${values.size} of ${bytes}`,
  );
}

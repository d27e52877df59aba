/** How large a group says its shards are: part of item 23. */
import type { LogIndex } from "../../../raft/types.ts";
import type { StoredContent } from "../../../storage/memory_engine.ts";
import type { NodeView, Observer, SystemView } from "../observation.ts";
import { check } from "./items.ts";
import { stayRecords } from "./stay_records.ts";
import { generationOf, machineKey } from "./stored_facts.ts";

/** One index in so many is looked at: a wrong count stays wrong until its shard leaves. */
const STRIDE = 64;

const SHARD_REGION = 0x02;

/** What the record of a shard says. */
interface SaidSize {
  readonly shard: number;
  readonly incarnation: number;
  readonly keys: number;
  readonly bytes: number;
}

/**
 * Counts are kept with every write, from what the node remembers of the values
 * that are replaced: here they are counted anew. Records and counts are written
 * together, so that they agree at any moment.
 */
export class SizeChecker implements Observer {
  appliedTo(node: NodeView, index: LogIndex): void {
    if (index % STRIDE === 0) checkSizes(node);
  }

  ended({ nodes }: SystemView): void {
    for (const node of nodes) checkSizes(node);
  }
}

function checkSizes(node: NodeView): void {
  if (node.machine.kind !== "group") return;
  const content = node.content();
  for (const { shard, incarnation, keys, bytes } of saidSizes(content)) {
    const { values } = stayRecords(content, shard, incarnation);
    const counted = countedBytes(values);
    check(
      keys === values.size && bytes === counted,
      "census",
      () =>
        `Shard ${shard} at ${node.address} is said to hold ${keys} keys of ${bytes} bytes: ` +
        `there are ${values.size} of ${counted}`,
    );
  }
}

/** As shardkv/shard_record.ts describes the records. */
function saidSizes(content: StoredContent): SaidSize[] {
  const prefix = machineKey(generationOf(content), 0x01);
  const start = Buffer.concat([prefix, Buffer.of(SHARD_REGION)]);
  const end = Buffer.concat([prefix, Buffer.of(SHARD_REGION + 1)]);
  return content.slice({ start, end }, Infinity).map(({ key, value }) => ({
    shard: key.readUInt16BE(start.length),
    incarnation: value.readUInt32BE(1),
    keys: Number(value.readBigUInt64BE(5)),
    bytes: Number(value.readBigUInt64BE(13)),
  }));
}

function countedBytes(values: ReadonlyMap<string, Buffer>): number {
  let bytes = 0;
  for (const [key, value] of values) bytes += Buffer.byteLength(key) + value.length;
  return bytes;
}

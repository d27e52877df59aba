/** What a group says of the size of a shard: part of item 23. */
import type { LogIndex } from "../../../raft/types.ts";
import type { ShardId } from "../../../shardctrler/configuration/config.ts";
import type { StoredContent } from "../../../storage/memory_engine.ts";
import type { NodeView, Observer, SystemView } from "../observation.ts";
import { check } from "./items.ts";
import { type StayRecords, stayRecords } from "./stay_records.ts";
import { generationOf, machineKey } from "./stored_facts.ts";

/** One index in so many is looked at: a wrong count stays wrong until its shard leaves. */
const STRIDE = 64;

const SHARD_REGION = 0x02;

interface Size {
  readonly keys: number;
  readonly bytes: number;
}

/** What the record of a shard says. */
interface ShardRecord extends Size {
  readonly shard: ShardId;
  readonly incarnation: number;
}

/**
 * Looks at every shard now and then. Counts are kept with every write, from
 * what the node remembers of the values that are replaced; records and counts
 * are written together, so that they agree at any moment.
 */
export class SizeChecker implements Observer {
  appliedTo(node: NodeView, index: LogIndex): void {
    if (index % STRIDE === 0) checkAll(node);
  }

  ended({ nodes }: SystemView): void {
    for (const node of nodes) checkAll(node);
  }
}

/** Keys and bytes are counted with every write and must be what is there. */
export function checkSize(node: NodeView, shard: ShardId, records: StayRecords): void {
  if (node.machine.kind !== "group") return;
  const figures = node.machine.machine.figures().find((each) => each.shard === shard);
  compare(node, shard, figures, records);
}

function checkAll(node: NodeView): void {
  if (node.machine.kind !== "group") return;
  const content = node.content();
  for (const said of shardRecords(content)) {
    compare(node, said.shard, said, stayRecords(content, said.shard, said.incarnation));
  }
}

/** As shardkv/machine/shard_record.ts describes them. */
function shardRecords(content: StoredContent): ShardRecord[] {
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

function compare(
  { address }: NodeView,
  shard: ShardId,
  said: Size | undefined,
  { values }: StayRecords,
): void {
  let bytes = 0;
  for (const [key, value] of values) bytes += Buffer.byteLength(key) + value.length;
  check(
    said?.keys === values.size && said.bytes === bytes,
    "census",
    () =>
      `Shard ${shard} at ${address} is said to hold ${said?.keys} keys of ${said?.bytes} bytes: ` +
      `there are ${values.size} of ${bytes}`,
  );
}

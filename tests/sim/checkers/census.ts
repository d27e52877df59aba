/** Every key, once the system rests: item 23. */
import { shardOf } from "../../../shardctrler/configuration/shard_hash.ts";
import type { HistoryOperation, OperationInput } from "../history.ts";
import type { NodeView, Observer, SystemView } from "../observation.ts";
import { isServedStatus } from "./frontier.ts";
import { check } from "./items.ts";
import { checkSize } from "./shard_size.ts";
import { stayRecords } from "./stay_records.ts";

export class CensusChecker implements Observer {
  ended({ nodes, config, history, finalValues }: SystemView): void {
    const values = new Map<string, { readonly value: string; readonly node: NodeView }>();
    for (const node of nodes) {
      if (node.machine.kind !== "group") continue;
      for (const { shard, incarnation, status } of node.machine.machine.ownership.shards.values()) {
        if (!isServedStatus(status)) continue;
        const records = stayRecords(node.content(), shard, incarnation);
        checkSize(node, shard, records);
        for (const [key, value] of records.values) {
          checkPlace(node, key, shard, config.shards);
          const other = values.get(key);
          check(
            other === undefined ||
              (other.node.gid === node.gid && other.value === value.toString()),
            "census",
            () =>
              `'${key}' is ${value.toString()} at ${node.address} and ${other?.value} ` +
              `at ${other?.node.address}`,
          );
          values.set(key, { value: value.toString(), node });
        }
      }
    }
    if (config.shards.every((gid) => gid !== 0)) checkValues(finalValues, values, history);
  }
}

function checkPlace(
  node: NodeView,
  key: string,
  shard: number,
  shards: readonly number[],
): void {
  const right = shardOf(Buffer.from(key), shards.length);
  check(
    shard === right && shards[shard] === node.gid,
    "census",
    () =>
      `'${key}' is in shard ${shard} at ${node.address}: it belongs into shard ${right}, and ` +
      `that to group ${shards[right]}`,
  );
}

/** What clients read last is there, but for writes without an answer, which may have come since. */
function checkValues(
  finalValues: ReadonlyMap<string, string | undefined>,
  values: ReadonlyMap<string, { readonly value: string }>,
  history: readonly HistoryOperation[],
): void {
  for (const [key, value] of finalValues) {
    const stored = values.get(key)?.value;
    const late = history.filter(({ key: of, outcome }) => of === key && outcome?.kind === "maybe");
    check(
      stored !== undefined && canBecome(value, stored, late.map(({ input }) => input)),
      "census",
      () => `'${key}' is stored as ${stored ?? "nothing"} and was read as ${value ?? "nothing"}`,
    );
  }
}

/** Whether some of the late writes lead from the value that was read to the one that is stored. */
function canBecome(
  read: string | undefined,
  stored: string,
  late: readonly OperationInput[],
): boolean {
  // The run has appended nothing to each key after it was read, which makes it exist.
  if (stored === (read ?? "")) return true;
  return late.some((input, i) => {
    switch (input.kind) {
      case "get":
        return false;
      case "put":
      case "cas":
        return stored === (input.value ?? "");
      case "delete":
        return stored === "";
      case "append": {
        const { value } = input;
        if (value === "" || !stored.endsWith(value)) return false;
        return canBecome(read, stored.slice(0, -value.length), late.toSpliced(i, 1));
      }
    }
  });
}

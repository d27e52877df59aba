/** The controllers' configurations: item 25. */
import { Config } from "../../../proto/gen/shardctrler.ts";
import type { NodeView, Observer } from "../observation.ts";
import { check, violated } from "./items.ts";
import { machineRecord } from "./stored_facts.ts";

/** A configuration as it is stored, in plain values. */
export interface PlainConfig {
  readonly storeId: string;
  readonly num: number;
  readonly shards: readonly number[];
  readonly gids: readonly number[];
  /** By shard: the group that holds what it served last. */
  readonly lastOwners: ReadonlyMap<number, number>;
}

const STATE = 0x01;
const CONFIG = 0x02;

export class ConfigurationChecker implements Observer {
  /** By number: the bytes. */
  readonly #known = new Map<number, Buffer>();
  /** How far each life's records were looked at. */
  readonly #checked = new WeakMap<NodeView, number>();

  appliedTo(node: NodeView): void {
    if (node.machine.kind !== "controller") return;
    const latest = latestStored(node);
    for (let num = this.#checked.get(node) ?? 0; num <= latest; num++) this.#check(node, num);
    this.#checked.set(node, Math.max(latest + 1, this.#checked.get(node) ?? 0));
  }

  ended({ nodes }: { readonly nodes: readonly NodeView[] }): void {
    for (const node of nodes) {
      if (node.machine.kind !== "controller") continue;
      const latest = node.machine.machine.latest?.num ?? -1;
      check(
        latest === latestStored(node),
        "configurations",
        () => `${node.address} has stored ${latestStored(node)} and knows ${latest}`,
      );
      for (let num = 0; num <= latest; num++) this.#check(node, num);
    }
  }

  #check(node: NodeView, num: number): void {
    const key = Buffer.alloc(9);
    key[0] = CONFIG;
    key.writeBigUInt64BE(BigInt(num), 1);
    const bytes = machineRecord(node.content(), key);
    check(
      bytes !== undefined,
      "configurations",
      () => `${node.address} has no configuration ${num} although it has later ones`,
    );
    const known = this.#known.get(num);
    check(
      known === undefined || known.equals(bytes),
      "configurations",
      () => `${node.address} has another configuration ${num} than there was before`,
    );
    if (known !== undefined) return;
    this.#known.set(num, Buffer.from(bytes));
    const config = plainConfig(bytes);
    check(
      config.num === num,
      "configurations",
      () => `${node.address} has configuration ${config.num} as number ${num}`,
    );
    const before = this.#known.get(num - 1);
    if (before !== undefined) checkStep(plainConfig(before), config);
  }
}

/**
 * Number of the latest configuration that is stored, -1 for none; the machine
 * may know of one that is on its way there.
 */
function latestStored(node: NodeView): number {
  const record = machineRecord(node.content(), Buffer.of(STATE));
  if (record === undefined) return -1;
  const { configNum } = JSON.parse(record.toString());
  return configNum;
}

export function plainConfig(bytes: Buffer): PlainConfig {
  const { storeId, num, shards, groups, lastOwners } = Config.decode(bytes);
  return {
    storeId,
    num,
    shards,
    gids: Object.keys(groups).map(Number),
    lastOwners: new Map(Object.entries(lastOwners).map(([shard, gid]) => [Number(shard), gid])),
  };
}

/** Judges one configuration by the one before it. */
export function checkStep(before: PlainConfig, after: PlainConfig): void {
  check(
    after.storeId === before.storeId,
    "configurations",
    () => `Configuration ${after.num} is of store ${after.storeId}, not ${before.storeId}`,
  );
  const stray = after.shards.findIndex((gid) => gid !== 0 && !after.gids.includes(gid));
  if (stray >= 0) {
    violated(
      "configurations",
      `Shard ${stray} of configuration ${after.num} is on group ${after.shards[stray]}, ` +
        "which is not part of it",
    );
  }
  const sameGroups = isSameSet(before.gids, after.gids);
  const moves = after.shards.filter((gid, shard) => gid !== before.shards[shard]).length;
  if (sameGroups) {
    check(
      moves <= 1,
      "configurations",
      () => `Configuration ${after.num} moves ${moves} shards although no group came or went`,
    );
    return;
  }
  if (after.gids.length === 0) return;
  const sizes = after.gids.map((gid) => countOf(after.shards, gid));
  check(
    !after.shards.includes(0) && Math.max(...sizes) - Math.min(...sizes) <= 1,
    "configurations",
    () => `Configuration ${after.num} is not balanced: ${after.shards}`,
  );
  const holders = before.shards.map((gid, shard) => gid || (before.lastOwners.get(shard) ?? 0));
  const needed = fewestMoves(holders, after.gids);
  const moved = after.shards.filter((gid, shard) => gid !== holders[shard]).length;
  check(
    moved === needed,
    "configurations",
    () => `Configuration ${after.num} moves ${moved} shards, ${needed} would do`,
  );
}

/** How many shards must move until the groups are balanced. */
function fewestMoves(holders: readonly number[], gids: readonly number[]): number {
  const share = Math.floor(holders.length / gids.length);
  let larger = holders.length % gids.length;
  const sizes = gids.map((gid) => countOf(holders, gid)).toSorted((a, b) => b - a);
  // Those that have the most keep the most: the larger shares are theirs.
  let kept = 0;
  for (const size of sizes) kept += Math.min(size, larger-- > 0 ? share + 1 : share);
  return holders.length - kept;
}

function countOf(shards: readonly number[], gid: number): number {
  return shards.filter((owner) => owner === gid).length;
}

function isSameSet(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

/** What has changed between two states: whole records, by their keys. Pure. */
import type { ClusterState, MoveView, NodeView, StateDelta } from "../api.ts";

/** @returns Undefined if nothing has changed but the time */
export function deltaBetween(before: ClusterState, after: ClusterState): StateDelta | undefined {
  const nodes = changed(before.nodes, after.nodes, nodeKey, isSameNode);
  const groups = changed(before.groups, after.groups, ({ gid }) => gid, isEqual);
  const shards = changed(before.shards, after.shards, ({ shardId }) => shardId, isEqual);
  const moves = changed(before.moves, after.moves, moveKey, isEqual);
  const gone = {
    ...some("nodes", missing(before.nodes, after.nodes, nodeKey)),
    ...some("groups", missing(before.groups, after.groups, ({ gid }) => gid)),
    ...some("moves", missing(before.moves, after.moves, moveKey)),
  };
  const delta = {
    ...(!isEqual(before.overview, after.overview) && { overview: after.overview }),
    ...(before.controllerLeaderId !== after.controllerLeaderId && {
      controllerLeaderId: after.controllerLeaderId,
    }),
    ...some("nodes", nodes),
    ...some("groups", groups),
    ...some("shards", shards),
    ...some("moves", moves),
    ...(Object.keys(gone).length > 0 && { gone }),
  };
  return Object.keys(delta).length > 0 ? { ...delta, updatedAt: after.updatedAt } : undefined;
}

export function nodeKey({ gid, id }: NodeView): string {
  return `${gid}-${id}`;
}

export function moveKey({ configNum, shardId }: MoveView): string {
  return `${configNum}-${shardId}`;
}

/** That a server which is up was seen again is no news. */
function isSameNode(before: NodeView, after: NodeView): boolean {
  if (!before.healthy || !after.healthy) return isEqual(before, after);
  return isEqual(before, { ...after, lastSeen: before.lastSeen });
}

function changed<Item, Key>(
  before: readonly Item[],
  after: readonly Item[],
  keyOf: (item: Item) => Key,
  isSame: (before: Item, after: Item) => boolean,
): Item[] {
  const old = new Map(before.map((item) => [keyOf(item), item]));
  return after.filter((item) => {
    const present = old.get(keyOf(item));
    return present === undefined || !isSame(present, item);
  });
}

function missing<Item, Key>(
  before: readonly Item[],
  after: readonly Item[],
  keyOf: (item: Item) => Key,
): Key[] {
  const present = new Set(after.map(keyOf));
  return before.map(keyOf).filter((key) => !present.has(key));
}

/** The list under its name, unless it is empty. */
function some<Name extends string, Item>(
  name: Name,
  items: readonly Item[],
): { readonly [key in Name]?: readonly Item[] } {
  return items.length === 0 ? {} : { [name]: items } as { readonly [key in Name]: readonly Item[] };
}

/** Equality of values that JSON can tell. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length &&
      a.every((item, i) => isEqual(item, b[i]));
  }
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length &&
    keys.every((key) => isEqual(left[key], right[key]));
}

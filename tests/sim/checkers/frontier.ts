/** Of each group the state of whichever replica has applied the most: what the group as a whole has decided. */
import type { LogIndex } from "../../../raft/types.ts";
import type { Gid } from "../../../shardctrler/configuration/config.ts";
import type { Ownership } from "../../../shardkv/machine/ownership.ts";
import type { NodeView, Observer } from "../observation.ts";

export type GroupOwnership = Pick<Ownership, "config" | "previous" | "shards">;

/** Must be told before those who ask it. */
export class Frontier implements Observer {
  readonly #groups = new Map<
    Gid,
    { readonly index: LogIndex; readonly ownership: GroupOwnership }
  >();

  nodeStarted(node: NodeView): void {
    this.#advance(node, node.status().applied);
  }

  appliedTo(node: NodeView, index: LogIndex): void {
    this.#advance(node, index);
  }

  of(gid: Gid): GroupOwnership | undefined {
    return this.#groups.get(gid)?.ownership;
  }

  get gids(): Gid[] {
    return [...this.#groups.keys()];
  }

  #advance({ gid, machine }: NodeView, index: LogIndex): void {
    if (machine.kind !== "group" || index < (this.#groups.get(gid)?.index ?? 0)) return;
    this.#groups.set(gid, { index, ownership: machine.machine.ownership });
  }
}

/** Whether clients may read and write a shard of that status. */
export function isServedStatus(status: string | undefined): boolean {
  return isOwnStatus(status) || status === "Leaving";
}

/** Whether a shard of that status is where its configuration has it. */
export function isOwnStatus(status: string | undefined): boolean {
  return status === "Serving" || status === "GCing";
}

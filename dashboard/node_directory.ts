/** The servers of the cluster: one entry for each, even if it is listed under several addresses. */
import type { MemberState } from "../client/member_clerk.ts";
import type { Gid } from "../shardctrler/configuration/config.ts";
import type { NodeObservation } from "./state/observation.ts";
import { type Seat, TrackedNode } from "./tracked_node.ts";

export interface NodeDirectoryOptions {
  /** Nobody asks this address any more. */
  readonly onForgotten: (address: string) => void;
}

export class NodeDirectory {
  readonly #options: NodeDirectoryOptions;
  #nodes = new Map<string, TrackedNode>();
  /** Members that leaders list, by group. */
  readonly #members = new Map<Gid, readonly MemberState[]>();
  #seats: readonly Seat[] = [];

  constructor(options: NodeDirectoryOptions) {
    this.#options = options;
  }

  get nodes(): readonly TrackedNode[] {
    return [...this.#nodes.values()];
  }

  /** These servers are listed by those who should know: the command line and the configurations. */
  list(seats: readonly Seat[]): void {
    this.#seats = seats;
    const gids = new Set(seats.map(({ gid }) => gid));
    for (const gid of this.#members.keys()) {
      if (!gids.has(gid)) this.#members.delete(gid);
    }
    this.#refresh();
  }

  /** A group's leader says who its members are: some, such as learners, are listed nowhere else. */
  takeMembers(gid: Gid, members: readonly MemberState[]): void {
    this.#members.set(gid, members);
    this.#refresh();
  }

  /** Every server that was asked, once, with an id that is its own or at least nobody else's. */
  observe(): NodeObservation[] {
    const asked = this.#nodes.values().filter(({ wasAsked }) => wasAsked);
    const byGroup = Map.groupBy(asked, ({ seat }) => seat.gid);
    return [...byGroup].flatMap(([gid, nodes]) => this.#observeGroup(gid, nodes));
  }

  #observeGroup(gid: Gid, nodes: readonly TrackedNode[]): NodeObservation[] {
    const members = this.#members.get(gid) ?? [];
    const learners = new Set(members.filter(({ role }) => role === "Learner").map(({ id }) => id));
    const known = new Map<number, TrackedNode>();
    for (const node of nodes) {
      const id = node.id ?? members.find(({ address }) => address === node.seat.address)?.id;
      // One that answers at two addresses is one server.
      if (id !== undefined && !known.get(id)?.isUp) known.set(id, node);
    }
    const placed = new Set(known.values());
    const nameless = nodes.filter((node) => !placed.has(node) && node.id === undefined);
    for (const node of nameless) known.set(freeId(node.seat.position, known), node);
    return Array.from(known, ([id, node]) => node.observation(id, learners.has(id)));
  }

  #refresh(): void {
    const wanted = new Map(this.#seats.map((seat) => [keyOf(seat), seat]));
    for (const seat of this.#unlisted()) wanted.set(keyOf(seat), seat);
    const nodes = new Map<string, TrackedNode>();
    for (const [key, seat] of wanted) {
      nodes.set(key, this.#nodes.get(key) ?? new TrackedNode(seat));
    }
    const addresses = new Set(Array.from(nodes.values(), ({ seat }) => seat.address));
    for (const { seat } of this.#nodes.values()) {
      if (!addresses.has(seat.address)) this.#options.onForgotten(seat.address);
    }
    this.#nodes = nodes;
  }

  /** Members under an address that is not listed, unless they are listed under another one. */
  #unlisted(): Seat[] {
    return [...this.#members].flatMap(([gid, members]) => {
      const seats = this.#seats.filter((seat) => seat.gid === gid);
      const idOf = (seat: Seat) => this.#nodes.get(keyOf(seat))?.id ?? seat.position;
      const listed = new Set(seats.map(idOf));
      return members
        .filter(({ id }) => !listed.has(id))
        .map(({ id, address }) => ({ gid, address, position: id }));
    });
  }
}

function keyOf({ gid, address }: Seat): string {
  return `${gid} ${address}`;
}

/** The id itself, or the first above it that is free. */
function freeId(id: number, taken: ReadonlyMap<number, unknown>): number {
  let free = id;
  while (taken.has(free)) free++;
  return free;
}

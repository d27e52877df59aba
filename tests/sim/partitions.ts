/** Ways to cut a network apart, as lists of one-way cuts. */
import type { Draw } from "./draw.ts";

/** What is sent from the first address to the second is lost. */
export type Cut = readonly [from: string, to: string];

export interface PartitionParts {
  readonly draw: Draw;
  /** Addresses of the members of each Raft group. */
  readonly ensembles: readonly (readonly string[])[];
  readonly clients: readonly string[];
  /** The address that is cut off where a single one is. */
  readonly target: string;
}

export interface Partition {
  readonly name: string;
  readonly cuts: readonly Cut[];
}

/** Cuts that go both ways. */
export function cutsOf(parts: PartitionParts): Partition {
  const { draw, ensembles, clients, target } = parts;
  const servers = ensembles.flat();
  const all = [...servers, ...clients];
  const kind = draw.pick(["isolate", "isolate from peers", "split", "ring", "bridge"]);
  switch (kind) {
    case "isolate":
      return { name: kind, cuts: bothWays(between([target], all)) };
    case "isolate from peers":
      return { name: kind, cuts: bothWays(between([target], servers)) };
    case "split": {
      const side = draw.subset(all);
      return { name: kind, cuts: bothWays(between(side, all.filter((a) => !side.includes(a)))) };
    }
    case "ring":
      return { name: kind, cuts: bothWays(ringCuts(draw.pick(ensembles))) };
    default:
      return { name: kind, cuts: bothWays(bridgeCuts(draw.pick(ensembles), draw)) };
  }
}

/** Cuts that go one way: the other side still hears, or is still heard. */
export function oneWayCutsOf({ draw, ensembles, clients, target }: PartitionParts): Partition {
  const all = [...ensembles.flat(), ...clients];
  const kind = draw.pick(["deaf", "mute", "link"]);
  switch (kind) {
    case "mute":
      return { name: kind, cuts: between([target], all) };
    case "deaf":
      return { name: kind, cuts: between(all, [target]) };
    default:
      return { name: kind, cuts: between([target], [draw.pick(all)]) };
  }
}

function between(from: readonly string[], to: readonly string[]): Cut[] {
  return from.flatMap((a) => to.filter((b) => a !== b).map((b): Cut => [a, b]));
}

function bothWays(cuts: readonly Cut[]): Cut[] {
  return cuts.flatMap(([a, b]): Cut[] => [[a, b], [b, a]]);
}

/** Everybody sees the two neighbours only: each has a majority, and no two the same, among five. */
function ringCuts(members: readonly string[]): Cut[] {
  const isNeighbour = (i: number, j: number) =>
    (i + 1) % members.length === j || (j + 1) % members.length === i;
  return members.flatMap((a, i) =>
    members.flatMap((b, j): Cut[] => i < j && !isNeighbour(i, j) ? [[a, b]] : [])
  );
}

/** Two halves that only one member sees both of. */
function bridgeCuts(members: readonly string[], draw: Draw): Cut[] {
  const bridge = draw.pick(members);
  const rest = members.filter((member) => member !== bridge);
  const half = rest.slice(0, Math.ceil(rest.length / 2));
  return between(half, rest.filter((member) => !half.includes(member)));
}

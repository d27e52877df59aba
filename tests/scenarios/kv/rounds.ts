/** Rounds of misfortune that clients go through. */
import { assert, assertEquals } from "@std/assert";
import { checkAll, type Player } from "../player.ts";
import type { KvGroup } from "./kv_group.ts";

export interface Misfortunes {
  /** Cut the group in two again and again. @default {false} */
  readonly partitions?: boolean;
  /** Cut the power of all replicas after each round. @default {false} */
  readonly crashes?: boolean;
}

const ROUNDS = 3;
const ROUND_MS = 2_000;
/** A lossy network answers about one tenth as often. */
const UNRELIABLE_ROUND_MS = 10_000;

/** Runs the clients through rounds of misfortune, and requires that they had answers and that all is right in the end. */
export async function runRounds(
  group: KvGroup,
  players: readonly Player[],
  { partitions = false, crashes = false }: Misfortunes = {},
): Promise<void> {
  const roundMs = (group.unreliable ? UNRELIABLE_ROUND_MS : ROUND_MS) * (partitions ? 3 : 1);
  for (let round = 0; round < ROUNDS; round++) {
    const before = wordsOf(players);
    const endMs = group.now + roundMs;
    const running = players.map((player) => player.run(() => group.now >= endMs));
    if (partitions) running.push(repartition(group, () => group.now >= endMs));
    await group.run(Promise.all(running));
    const made = wordsOf(players) - before;
    assert(made > 0, `no client got an answer in round ${round}`);
    if (crashes) await group.crashAll();
    await checkAll(group, players);
  }
  for (const { key, words } of players) assert(words > 0, `${key} got no answer`);
  assertEquals(group.store.failures, []);
}

function wordsOf(players: readonly Player[]): number {
  return players.reduce((sum, { words }) => sum + words, 0);
}

/** Draws new halves every election timeout or so, and heals in the end. */
async function repartition(group: KvGroup, isOver: () => boolean): Promise<void> {
  const { prng, positions } = group;
  while (!isOver()) {
    const isLeft = positions.map(() => prng.below(2) === 0);
    const side = (left: boolean) => positions.filter((position) => isLeft[position] === left);
    group.split(group.addresses(side(true)), group.addresses(side(false)));
    await group.sleep(1_000 + prng.below(500));
  }
  group.heal();
}

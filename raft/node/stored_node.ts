/** What a node finds in its engine at start: what it has saved before, or nothing yet. */
import type { Prng } from "../../runtime/prng.ts";
import { type Engine, EngineError } from "../../storage/engine.ts";
import { appliedKey, generationRange, machineRange, nodeKey } from "../../storage/key_space.ts";
import type { ConfState, Entry, HardState, LogIndex, Term } from "../types.ts";
import { pass } from "./failpoints.ts";
import { FIRST_GENERATION, LogStore, type StoredState } from "./log/log_store.ts";
import { claimEngine, type NodeIdentity } from "./members/identity.ts";
import { type AppliedState, appliedWrite } from "./members/roster_codec.ts";
import type { Roster } from "./members/roster.ts";

/** Everything a node starts from. */
export interface StoredNode {
  readonly store: LogStore;
  readonly generation: number;
  readonly hardState: HardState;
  readonly confState: ConfState;
  /** The members as of `applied`. */
  readonly roster: Roster;
  /** Which life of this node on which disk this is. */
  readonly incarnation: string;
  /** Nothing was ever saved here: this is a new node, or one that has lost its disk. */
  readonly isBlank: boolean;
  readonly logStart: { readonly index: LogIndex; readonly term: Term };
  readonly entries: readonly Entry[];
  readonly applied: LogIndex;
}

/**
 * Opens what is stored, or begins a new node.
 *
 * @param first The members before the first entry of the log, for a new node
 * @param prng Draws the incarnation of a new node
 * @throws {IdentityError} If the engine belongs to another node
 * @throws {EngineError} With kind "corruption" if what is there cannot be trusted
 */
export async function openStored(
  engine: Engine,
  identity: NodeIdentity,
  first: Roster,
  prng: Prng,
): Promise<StoredNode> {
  const incarnation = await claimEngine(engine, identity, prng);
  await pass("raft/afterClaim", identity);
  const { store, state } = await LogStore.load(engine);
  const applied = state.applied ?? await begin(engine, state, first);
  await pass("raft/afterLoad", identity);
  await clearOtherGenerations(engine, state.generation);
  // What was applied was committed, even if the hard state was written before that.
  const commit = Math.max(state.hardState.commit, applied.index);
  return {
    store,
    generation: state.generation,
    hardState: { ...state.hardState, commit },
    confState: applied.roster.conf,
    // Data of versions that did not know of addresses lacks them.
    roster: applied.roster.members.length > 0 ? applied.roster : first,
    incarnation,
    isBlank: state.hardState.term === 0 && state.entries.length === 0 && applied.index === 0,
    logStart: state.logStart,
    entries: state.entries,
    applied: applied.index,
  };
}

/** Whether a node with this engine has ever got so far that it knows the members of its group. */
export async function hasBegun(engine: Engine): Promise<boolean> {
  const [generation, applied] = await engine.getMany([
    nodeKey("generation"),
    appliedKey(FIRST_GENERATION),
  ]);
  return generation !== undefined || applied !== undefined;
}

/** The first applied record: nothing is applied, and these are the members. */
async function begin(
  engine: Engine,
  state: StoredState,
  first: Roster,
): Promise<AppliedState> {
  if (state.hardState.term !== 0 || state.entries.length > 0 || state.logStart.index !== 0) {
    throw new EngineError(
      "corruption",
      "Cannot trust the stored data: there is a log but no record of what was applied; " +
        "wipe the directory and let the node rejoin as a new member",
    );
  }
  const applied: AppliedState = { index: 0, term: 0, roster: first };
  await engine.write([appliedWrite(state.generation, applied)], { sync: true });
  return applied;
}

/** Snapshots that were staged and never installed, or replaced and not cleared in time. */
async function clearOtherGenerations(engine: Engine, live: number): Promise<void> {
  const all = machineRange();
  const { start, end } = generationRange(live);
  await engine.clearRange({ start: all.start, end: start });
  await engine.clearRange({ start: end, end: all.end });
}

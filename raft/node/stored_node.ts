/** What a node finds in its engine at start: itself, or nothing yet. */
import { type Engine, EngineError } from "../../storage/engine.ts";
import { generationRange, machineRange } from "../../storage/key_space.ts";
import type {
  ConfState,
  Entry,
  HardState,
  LogIndex,
  NodeId,
  SnapshotMeta,
  Term,
} from "../types.ts";
import { pass } from "./failpoints.ts";
import { claimEngine, type NodeIdentity } from "./identity.ts";
import { appliedWrite, LogStore, type StoredState } from "./log_store.ts";

/** Everything a node starts from. */
export interface StoredNode {
  readonly store: LogStore;
  readonly generation: number;
  readonly hardState: HardState;
  readonly confState: ConfState;
  readonly logStart: { readonly index: LogIndex; readonly term: Term };
  readonly entries: readonly Entry[];
  readonly applied: LogIndex;
}

/**
 * Opens what is stored, or begins a new node with the given voters.
 *
 * @throws {IdentityError} If the engine belongs to another node
 * @throws {EngineError} With kind "corruption" if what is there cannot be trusted
 */
export async function openStored(
  engine: Engine,
  identity: NodeIdentity,
  voters: readonly NodeId[],
): Promise<StoredNode> {
  await claimEngine(engine, identity);
  await pass("raft/afterClaim", identity);
  const { store, state } = await LogStore.load(engine);
  const applied = state.applied ?? await begin(engine, state, voters);
  await pass("raft/afterLoad", identity);
  await clearOtherGenerations(engine, state.generation);
  // What was applied was committed, even if the hard state was written before that.
  const commit = Math.max(state.hardState.commit, applied.index);
  return {
    store,
    generation: state.generation,
    hardState: { ...state.hardState, commit },
    confState: applied.confState,
    logStart: state.logStart,
    entries: state.entries,
    applied: applied.index,
  };
}

/** The first applied record: nothing is applied, and these are the members. */
async function begin(
  engine: Engine,
  state: StoredState,
  voters: readonly NodeId[],
): Promise<SnapshotMeta> {
  if (state.hardState.term !== 0 || state.entries.length > 0 || state.logStart.index !== 0) {
    throw new EngineError(
      "corruption",
      "Cannot trust the stored data: there is a log but no record of what was applied; " +
        "wipe the directory and let the node rejoin as a new member",
    );
  }
  const confState = {
    voters: [...voters],
    learners: [],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  const meta = { index: 0, term: 0, confState, id: 0 };
  await engine.write([appliedWrite(state.generation, meta)], { sync: true });
  return meta;
}

/** Snapshots that were staged and never installed, or replaced and not cleared in time. */
async function clearOtherGenerations(engine: Engine, live: number): Promise<void> {
  const all = machineRange();
  const { start, end } = generationRange(live);
  await engine.clearRange({ start: all.start, end: start });
  await engine.clearRange({ start: end, end: all.end });
}

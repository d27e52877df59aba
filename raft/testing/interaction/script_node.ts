/**
 * A node of a script. Taking a round, writing it to disk and applying what is
 * committed are steps of their own, so that a script can put anything between
 * them.
 */
import { assert } from "@std/assert";
import type { RaftConfig } from "../../config.ts";
import type { Message } from "../../message.ts";
import { RawNode } from "../../raw_node.ts";
import type { Ready } from "../../ready.ts";
import type { Entry, SnapshotMeta } from "../../types.ts";
import type { Disk } from "../disk.ts";
import { changeOf } from "./change_text.ts";

/** Chance is taken out: an election timeout is `electionTicks` exactly, and numbers begin at 1. */
const NO_CHANCE = { below: () => 0 };

export class ScriptNode {
  readonly disk: Disk;
  raw: RawNode;
  #config: RaftConfig;
  /** Rounds with something to write, oldest first. */
  #unsaved: Ready[] = [];
  /** Committed entries that were handed out, one list for each round. */
  #unapplied: (readonly Entry[])[] = [];
  /** The state that belongs to the snapshot under installation. */
  #staged: readonly Entry[] = [];

  constructor(config: RaftConfig, disk: Disk) {
    this.#config = config;
    this.disk = disk;
    this.raw = this.#open();
  }

  get id(): number {
    return this.#config.id;
  }

  /** Forgets what is not on disk. */
  restart(settings: Partial<RaftConfig>): void {
    this.#config = { ...this.#config, ...settings };
    this.#unsaved = [];
    this.#unapplied = [];
    this.#staged = [];
    this.raw = this.#open();
  }

  #open(): RawNode {
    return new RawNode({
      config: this.#config,
      prng: NO_CHANCE,
      hardState: this.disk.hardState,
      confState: this.disk.confState,
      logStart: this.disk.logStart,
      entries: [...this.disk.entries],
      applied: this.disk.appliedIndex,
    });
  }

  /**
   * Takes a message in; the state of a snapshot is fetched first if it is wanted.
   *
   * @returns Whether a state was fetched
   */
  receive(message: Message, fetch: (snapshot: SnapshotMeta) => readonly Entry[]): boolean {
    const fetches = message.type === "snapshot" && this.raw.wantsSnapshot(message.snapshot);
    if (fetches) this.#staged = fetch(message.snapshot);
    this.raw.step(message);
    return fetches;
  }

  /** Takes a round; what it wants written and applied waits for `save` and `apply`. */
  take(): Ready {
    const ready = this.raw.ready();
    const isWrite = ready.entries.length > 0 || ready.hardState !== undefined ||
      ready.snapshot !== undefined || ready.messagesAfterPersist.length > 0;
    if (isWrite) this.#unsaved.push(ready);
    if (ready.committedEntries.length > 0) this.#unapplied.push(ready.committedEntries);
    return ready;
  }

  /** Makes the oldest round that waits for the disk durable; undefined if there is none. */
  save(): Ready | undefined {
    const ready = this.#unsaved.shift();
    if (ready === undefined) return undefined;
    this.disk.save(ready, this.#staged);
    this.raw.persisted(ready);
    if (ready.snapshot !== undefined) this.raw.applied(ready.snapshot.index);
    return ready;
  }

  /** Applies the oldest list of entries that waits for it; undefined if there is none. */
  apply(): readonly Entry[] | undefined {
    const entries = this.#unapplied.shift();
    const last = entries?.[entries.length - 1];
    if (entries === undefined || last === undefined) return undefined;
    for (const entry of entries) this.#applyOne(entry);
    this.raw.applied(last.index);
    return entries;
  }

  #applyOne(entry: Entry): void {
    this.disk.apply([entry]);
    if (entry.kind !== "confChange") return;
    const confState = this.raw.applyConfChange(entry.index, changeOf(entry));
    this.disk.changeMembers(entry.index, confState);
  }

  compact(index: number): void {
    assert(index <= this.disk.appliedIndex, `entry ${index} is applied before it is compacted`);
    this.raw.compact(index);
    this.disk.compact(index);
  }
}

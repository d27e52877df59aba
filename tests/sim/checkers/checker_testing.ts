/** Nodes and rounds as a test wants them, to show to checkers. */
import { assertEquals, assertThrows } from "@std/assert";
import { EntryPayload } from "../../../proto/gen/raft.ts";
import { Config as ConfigMessage } from "../../../proto/gen/shardctrler.ts";
import { WriteBatch, WriteOp } from "../../../proto/gen/shardkv.ts";
import type { Ready } from "../../../raft/ready.ts";
import type { ProgressStatus, RawNodeStatus } from "../../../raft/status.ts";
import { readyOf } from "../../../raft/testing/ready.ts";
import type { ConfState, Entry, EntryKind, NodeId } from "../../../raft/types.ts";
import { type Config, emptyConfig } from "../../../shardctrler/configuration/config.ts";
import {
  encodeConfigStep,
  encodeDrop,
  encodeInsert,
  encodeWrites,
} from "../../../shardkv/machine/commands.ts";
import type { JournalRecord } from "../../../storage/journal/journal.ts";
import type { StoredContent } from "../../../storage/memory_engine.ts";
import { OrderedMap } from "../../../storage/ordered_map.ts";
import { combineObservers, type NodeView, type Observer, Violation } from "../observation.ts";
import { type Item, ITEMS } from "./items.ts";
import { stayRecords } from "./stay_records.ts";
import { machineKey } from "./stored_facts.ts";
import { ENTRY_HEAD_BYTES } from "./stored_log.ts";

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

export interface HeldForTest {
  readonly shard: number;
  readonly incarnation: number;
  readonly status: string;
}

/** A node whose every side a test may change. */
export class FakeNode {
  readonly status: Mutable<RawNodeStatus>;
  readonly terms = new Map<number, number>();
  conf: ConfState = confOf(1, 2, 3);
  durable: StoredContent = contentOf(new OrderedMap());
  content: StoredContent = contentOf(new OrderedMap());
  readonly #map = new OrderedMap();
  #hardState: readonly [term: number, vote: number, commit: number] = [0, 0, 0];
  ownership = {
    config: emptyConfig(0) as Config,
    previous: emptyConfig(0) as Config,
    shards: new Map<number, HeldForTest>(),
    garbage: [],
  };
  /** Undefined: what is in the content. */
  figures: { shard: number; status: string; keys: number; bytes: number }[] | undefined;
  latest: Config | undefined;
  readonly view: NodeView;

  constructor(id: NodeId, facts: Partial<Pick<NodeView, "gid" | "life" | "disk">> = {}) {
    this.status = {
      id,
      role: "follower",
      term: 1,
      leader: 0,
      commit: 0,
      applied: 0,
      firstIndex: 1,
      lastIndex: 0,
      persistedIndex: 0,
      progress: new Map(),
    };
    const { gid = 1, life = 1, disk = 1 } = facts;
    this.view = this.#viewOf(gid, life, disk);
  }

  #viewOf(gid: number, life: number, disk: number): NodeView {
    const node = {
      gid,
      id: this.status.id,
      address: `group${gid}-${this.status.id - 1}:1`,
      life,
      disk,
      status: () => ({ ...this.status }),
      entryTerm: (index: number) => index === 0 ? 0 : this.terms.get(index),
      durable: () => this.durable,
      content: () => this.content,
      machine: this.#machine(gid),
    };
    Object.defineProperty(node, "confState", { get: () => this.conf });
    return node as unknown as NodeView;
  }

  #machine(gid: number) {
    const kind = gid === 0 ? "controller" : "group";
    const machine = { figures: () => this.figures ?? this.#counted() };
    Object.defineProperty(machine, "ownership", { get: () => this.ownership });
    Object.defineProperty(machine, "latest", { get: () => this.latest });
    return { kind, machine };
  }

  #counted() {
    return [...this.ownership.shards.values()].map(({ shard, incarnation, status }) => {
      const { values } = stayRecords(this.content, shard, incarnation);
      const bytes = [...values].reduce((sum, [key, { length }]) => sum + key.length + length, 0);
      return { shard, status, keys: values.size, bytes };
    });
  }

  /** Puts something on the disk, as what is durable: another content than before. */
  save(facts: { term?: number; vote?: number; commit?: number; entries?: readonly Entry[] }): void {
    const { term, vote = 0, commit = 0, entries = [] } = facts;
    if (term !== undefined) this.#hardState = [term, vote, commit];
    const { records } = this.durable;
    const sequence = records.length + 1;
    const next = [...records, { sequence, payload: recordOf(this.#hardState, entries) }];
    this.durable = contentOf(this.#map.snapshot(), next);
    this.content = this.durable;
  }

  /** Puts a record of the machine where readers find it. */
  put(key: Uint8Array, value: Uint8Array): void {
    this.#write(Buffer.concat([machineKey(1, 0x01), key]), Buffer.from(value));
  }

  /** Says that the engine shows everything up to an index. */
  show(index: number): void {
    this.#write(machineKey(1, 0x00), Buffer.of(0x08, index, 0x10, 1));
    this.status.applied = index;
  }

  #write(key: Buffer, value: Buffer): void {
    this.#map.set(key, value);
    this.content = contentOf(this.#map.snapshot(), this.content.records);
  }

  lead(term: number, facts: Partial<RawNodeStatus> = {}): void {
    Object.assign(this.status, { role: "leader", term, ...facts });
  }
}

function contentOf(map: OrderedMap, records: readonly JournalRecord[] = []): StoredContent {
  return {
    records,
    size: map.size,
    get: (key) => map.get(key),
    slice: (...which) => map.slice(...which),
  };
}

function recordOf(hardState: readonly number[], entries: readonly Entry[]): Buffer {
  const head = Buffer.alloc(32);
  [...hardState, entries[0]?.index ?? 0].forEach((number, i) =>
    head.writeBigUInt64BE(BigInt(number), 8 * i)
  );
  const parts = entries.flatMap(({ term, data }) => {
    const entryHead = Buffer.alloc(ENTRY_HEAD_BYTES);
    entryHead.writeBigUInt64BE(BigInt(term), 0);
    entryHead.writeUInt32BE(data.length, 9);
    return [entryHead, data];
  });
  return Buffer.concat([head, ...parts]);
}

export function confOf(...voters: NodeId[]): ConfState {
  return { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
}

export function entryOf(
  index: number,
  term: number,
  data: string | Uint8Array = `entry ${index}`,
  kind: EntryKind = "normal",
): Entry {
  return { index, term, kind, data: Buffer.from(data as string) };
}

export function leaderReady(term: number, entries: readonly Entry[] = []): Ready {
  return readyOf({ softState: { role: "leader", leader: 1, term }, entries });
}

export function progressOf(parts: Partial<ProgressStatus>): ProgressStatus {
  return {
    match: 0,
    next: 1,
    state: "replicate",
    pendingSnapshot: 0,
    recentActive: true,
    active: true,
    paused: false,
    inflightMessages: 0,
    inflightBytes: 0,
    ...parts,
  };
}

/** An entry of a group's log with these proposals. */
export function payload(...proposals: Uint8Array[]): Buffer {
  const buffers = proposals.map((proposal) => Buffer.from(proposal));
  return Buffer.from(EntryPayload.encode({ timeMs: 0, proposals: buffers }).finish());
}

export function writesProposal(clientId: string, sequence: number, key: string): Uint8Array {
  const command = {
    sequence,
    op: WriteOp.WRITE_OP_APPEND,
    key: Buffer.from(key),
    value: Buffer.from("x"),
    expected: Buffer.alloc(0),
    expectAbsent: false,
    deleteOnMatch: false,
  };
  const batch = { clientId, lowestUnanswered: 1, commands: [command] };
  return encodeWrites(Buffer.from(WriteBatch.encode(batch).finish()), 1_000);
}

export function configOf(num: number, shards: readonly number[]): Config {
  const gids = [...new Set(shards.filter((gid) => gid !== 0))];
  return {
    ...emptyConfig(0),
    num,
    shards,
    groups: new Map(gids.map((gid) => [gid, [`g${gid}:1`]])),
  };
}

export function configProposal(num: number): Uint8Array {
  return encodeConfigStep(configOf(num, [1]));
}

export function insertProposal(configNum: number, shard: number): Uint8Array {
  const none = Buffer.alloc(0);
  return encodeInsert({
    configNum,
    shard,
    cursorBefore: none,
    records: [],
    cursorAfter: none,
    done: true,
  });
}

export function dropProposal(configNum: number, shard: number): Uint8Array {
  return encodeDrop({ configNum, shard });
}

/** Bytes of a configuration as a controller stores it. */
export function storedConfig(
  num: number,
  shards: readonly number[],
  gids: readonly number[],
  storeId = "7",
): Buffer {
  const groups = Object.fromEntries(
    gids.map((gid) => [gid, { servers: [`g${gid}:1`], identity: "0" }]),
  );
  const message = { num, shards: [...shards], groups, lastOwners: {}, departed: {}, storeId };
  return Buffer.from(ConfigMessage.encode(message).finish());
}

/** Tells all of them, in order. */
export function watching(...observers: Observer[]): Required<Observer> {
  return combineObservers(observers);
}

/** Asserts that the checkers object, and for the right reason. */
export function assertTrips(item: Item, act: () => void): void {
  const { item: tripped, message } = assertThrows(act, Violation);
  assertEquals(tripped, ITEMS[item], message);
}

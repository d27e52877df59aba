/**
 * What stands on a node's disk, read from the bytes as storage/key_space.ts
 * describes them (the log: stored_log.ts), and by none of its code.
 */
import type { StoredContent } from "../../../storage/memory_engine.ts";
import type { LogIndex, NodeId, Term } from "../../../raft/types.ts";
import { storedEntries, storedHardState, storedStart } from "./stored_log.ts";

export interface StoredFacts {
  readonly term: Term;
  readonly vote: NodeId;
  readonly commit: LogIndex;
  /** The entry before the first that is kept. */
  readonly start: { readonly index: LogIndex; readonly term: Term };
  /** The last entry, or `start.index` if there is none. */
  readonly last: LogIndex;
  readonly generation: number;
  /** What the machine's data stands for. */
  readonly applied: { readonly index: LogIndex; readonly term: Term };
}

const MACHINE = 0x03;

const cached = new WeakMap<StoredContent, StoredFacts>();

/** Facts of a content that does not change any more: what is durable is replaced, never changed. */
export function durableFacts(content: StoredContent): StoredFacts {
  const known = cached.get(content);
  if (known !== undefined) return known;
  const facts = readFacts(content);
  cached.set(content, facts);
  return facts;
}

/** Facts of a content as it is now. */
export function readFacts(content: StoredContent): StoredFacts {
  const { index, term } = storedStart(content);
  const [last] = storedEntries(content);
  const generation = generationOf(content);
  return {
    ...storedHardState(content),
    start: { index, term },
    last: last?.index ?? index,
    generation,
    applied: appliedOf(content, generation),
  };
}

export function generationOf(content: StoredContent): number {
  return content.get(nodeRecord("generation"))?.readUInt32BE(0) ?? 1;
}

/** Term of the entry at an index; undefined if there is none. */
export function storedTerm(content: StoredContent, index: LogIndex): Term | undefined {
  for (const entry of storedEntries(content)) {
    if (entry.index <= index) return entry.index === index ? entry.term : undefined;
  }
  return undefined;
}

/** Whether the entry is there, by itself or in what came before the log's start. */
export function holdsEntry(content: StoredContent, index: LogIndex, term: Term): boolean {
  return storedTerm(content, index) === term || durableFacts(content).start.index >= index;
}

/** Data bytes of every entry, by index. */
export function storedSizes(content: StoredContent): Map<LogIndex, number> {
  return new Map([...storedEntries(content)].map(({ index, size }) => [index, size]));
}

/** Everything the machine keeps in the live generation, by key without the prefix. */
export function machineRecords(content: StoredContent): { key: Buffer; value: Buffer }[] {
  const generation = generationOf(content);
  const start = machineKey(generation, 0x01);
  const end = machineKey(generation, 0x02);
  return content.slice({ start, end }, Infinity)
    .map(({ key, value }) => ({ key: key.subarray(start.length), value }));
}

/** The record that says what the live generation stands for: index, term and members. */
export function appliedRecord(content: StoredContent): Buffer | undefined {
  return content.get(machineKey(generationOf(content), 0x00));
}

/** One record of the machine, by its key without the prefix. */
export function machineRecord(content: StoredContent, key: Uint8Array): Buffer | undefined {
  return content.get(Buffer.concat([machineKey(generationOf(content), 0x01), key]));
}

function nodeRecord(name: string): Buffer {
  return Buffer.concat([Buffer.of(0x01), Buffer.from(name)]);
}

/** Where a kind of a generation's records begins: 0x00 what is applied, 0x01 data. */
export function machineKey(generation: number, tag: number): Buffer {
  const key = Buffer.alloc(6);
  key[0] = MACHINE;
  key.writeUInt32BE(generation, 1);
  key[5] = tag;
  return key;
}

function appliedOf(content: StoredContent, generation: number): StoredFacts["applied"] {
  const record = content.get(machineKey(generation, 0x00));
  const fields = { index: 0, term: 0 };
  if (record === undefined) return fields;
  // Fields 1 and 2 of the message are numbers and stand first; zeros are left out.
  let at = 0;
  while (at < record.length && (record[at] === 0x08 || record[at] === 0x10)) {
    const name = record[at] === 0x08 ? "index" : "term";
    const { value, end } = readVarint(record, at + 1);
    fields[name] = value;
    at = end;
  }
  return fields;
}

/** A base-128 number and where it ends. */
export function readVarint(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  let factor = 1;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end: at + 1 };
    factor *= 128;
  }
  throw new RangeError(`Cannot read a number at byte ${start}: it does not end`);
}

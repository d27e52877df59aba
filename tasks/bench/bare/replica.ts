/**
 * One process of the bare store: what `deno task bench:bare` compares the real
 * one with. It does what no replicated store can do without, and nothing else:
 * a log synced on a majority before the answer, and RocksDB. Who leads is fixed;
 * there are no terms, sessions, checksums, shards, snapshots, restarts, errors.
 *
 * Arguments: directory, address, and for the leader the followers' addresses.
 */
import { setImmediate } from "node:timers";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { createNative, type NativeDatabase, promised } from "../../../storage/rocksdb_binding.ts";
import {
  decodeNumbers,
  encodeEntry,
  encodeNumbers,
  ENTRY_HEAD_BYTES,
  forEachPut,
  requestNumber,
} from "./frames.ts";
import { openStream, SERVER_OPTIONS, streamService } from "./stream.ts";

/** Entries under way, as in the real one. */
const ENTRIES_IN_FLIGHT_MAX = 4;
const PEER_TIMEOUT_MS = 30_000;

type Call = ServerDuplexStream<Buffer, Buffer>;

/** A file that is appended to; what comes while it is synced shares the next sync. */
class Log {
  readonly #file: Deno.FsFile;
  #waiting: { readonly bytes: Buffer; readonly onSynced: () => void }[] = [];
  #running = false;

  constructor(path: string) {
    this.#file = Deno.openSync(path, { create: true, write: true });
  }

  append(bytes: Buffer, onSynced: () => void): void {
    this.#waiting.push({ bytes, onSynced });
    // Messages of this turn leave first.
    if (!this.#running) setImmediate(() => this.#run());
    this.#running = true;
  }

  #run(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#running = false;
    const bytes = Buffer.concat(batch.map((each) => each.bytes));
    for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    this.#file.syncDataSync();
    for (const { onSynced } of batch) onSynced();
  }
}

/** Entries that wait to be committed, and the database that they go to then. */
class Store {
  readonly #database: NativeDatabase;
  readonly #entries = new Map<
    number,
    { readonly requests: Buffer; readonly onApplied: () => void }
  >();
  #commit = 0;
  #applied = 0;
  #running = false;

  constructor(database: NativeDatabase) {
    this.#database = database;
  }

  get commit(): number {
    return this.#commit;
  }

  add(index: number, requests: Buffer, onApplied: () => void): void {
    this.#entries.set(index, { requests, onApplied });
  }

  commitTo(index: number): void {
    this.#commit = Math.max(this.#commit, index);
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#applied < this.#commit) {
      const entry = this.#entries.get(this.#applied + 1);
      if (entry === undefined) break;
      this.#entries.delete(++this.#applied);
      const batch = this.#database.batch();
      forEachPut(entry.requests, (key, value) => batch.put(key, value));
      await promised<void>((callback) => batch.write({ sync: false }, callback));
      entry.onApplied();
    }
    this.#running = false;
  }
}

function follow(log: Log, store: Store): (call: Call) => void {
  return (call) => {
    call.on("data", (entry: Buffer) => {
      const [index = 0, commit = 0] = decodeNumbers(entry.subarray(0, ENTRY_HEAD_BYTES));
      if (entry.length > ENTRY_HEAD_BYTES) {
        store.add(index, entry.subarray(ENTRY_HEAD_BYTES), () => {});
        log.append(entry, () => call.write(encodeNumbers([index])));
      }
      store.commitTo(commit);
    });
  };
}

async function lead(
  log: Log,
  store: Store,
  followers: readonly string[],
): Promise<(call: Call) => void> {
  const streams = await Promise.all(followers.map((each) => openStream(each, PEER_TIMEOUT_MS)));
  /** Last entry that each has synced, this process last. */
  const synced = [...streams.map(() => 0), 0];
  let pending: { readonly call: Call; readonly request: Buffer }[] = [];
  let index = 0;
  const advance = () => {
    const quorum = synced.toSorted((a, b) => b - a)[streams.length >>> 1] as number;
    if (quorum > store.commit) store.commitTo(quorum);
    propose();
  };
  const propose = () => {
    if (pending.length === 0 || index - store.commit >= ENTRIES_IN_FLIGHT_MAX) return;
    const batch = pending;
    pending = [];
    const own = ++index;
    const entry = encodeEntry(own, store.commit, batch.map(({ request }) => request));
    store.add(own, entry.subarray(ENTRY_HEAD_BYTES), () => {
      for (const [call, requests] of Map.groupBy(batch, ({ call }) => call)) {
        call.write(encodeNumbers(requests.map(({ request }) => requestNumber(request))));
      }
      // Nothing follows that would tell them.
      if (index === own) { for (const stream of streams) stream.write(encodeEntry(0, own, [])); }
    });
    for (const stream of streams) stream.write(entry);
    log.append(entry, () => {
      synced[streams.length] = own;
      advance();
    });
  };
  streams.forEach((stream, i) => {
    stream.on("data", (answer: Buffer) => {
      synced[i] = decodeNumbers(answer)[0] ?? 0;
      advance();
    });
  });
  return (call) => {
    call.on("data", (request: Buffer) => {
      pending.push({ call, request });
      // What comes in one turn of the event loop shares an entry.
      if (pending.length === 1) setImmediate(propose);
    });
  };
}

async function main(
  [directory = "", address = "", ...followers]: readonly string[],
): Promise<void> {
  const database = createNative(`${directory}/db`);
  await promised<void>((callback) =>
    database.open({
      createIfMissing: true,
      writeBufferSize: 32 << 20,
      cacheSize: 64 << 20,
      maxOpenFiles: 1_000,
      blockSize: 4_096,
      compression: true,
    }, callback)
  );
  const log = new Log(`${directory}/log`);
  const store = new Store(database);
  const stream = followers.length === 0 ? follow(log, store) : await lead(log, store, followers);
  const server = new Server(SERVER_OPTIONS);
  server.addService(streamService, { stream });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

if (import.meta.main) await main(Deno.args);

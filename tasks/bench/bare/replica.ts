/**
 * One process of the bare store: what `deno task bench:bare` compares the real
 * one with. It does what no replicated store can do without, and nothing else:
 * a log synced on a majority before the answer, and RocksDB. Who leads is fixed;
 * there are no terms, sessions, checksums, shards, snapshots, restarts, errors.
 *
 * Arguments: directory, address, and for the leader the followers' addresses.
 */
import { setImmediate } from "node:timers";
import {
  type ClientDuplexStream,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
} from "@grpc/grpc-js";
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
type Follower = ClientDuplexStream<Buffer, Buffer>;

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

/** Orders what clients put into entries, and commits those that a majority has synced. */
class Leader {
  readonly #log: Log;
  readonly #store: Store;
  readonly #followers: readonly Follower[];
  /** Last entry that each process has synced: the followers in their order, then this one. */
  readonly #synced: number[];
  #pending: { readonly call: Call; readonly request: Buffer }[] = [];
  #lastIndex = 0;

  constructor(log: Log, store: Store, followers: readonly Follower[]) {
    this.#log = log;
    this.#store = store;
    this.#followers = followers;
    this.#synced = [...followers.map(() => 0), 0];
    followers.forEach((follower, i) => {
      follower.on("data", (answer: Buffer) => this.#onSynced(i, decodeNumbers(answer)[0] ?? 0));
    });
  }

  serve(call: Call): void {
    call.on("data", (request: Buffer) => {
      this.#pending.push({ call, request });
      // What comes in one turn of the event loop shares an entry.
      if (this.#pending.length === 1) setImmediate(() => this.#propose());
    });
  }

  #propose(): void {
    const underWay = this.#lastIndex - this.#store.commit;
    if (this.#pending.length === 0 || underWay >= ENTRIES_IN_FLIGHT_MAX) return;
    const batch = this.#pending;
    this.#pending = [];
    const index = ++this.#lastIndex;
    const entry = encodeEntry(index, this.#store.commit, batch.map(({ request }) => request));
    this.#store.add(index, entry.subarray(ENTRY_HEAD_BYTES), () => {
      for (const [call, requests] of Map.groupBy(batch, ({ call }) => call)) {
        call.write(encodeNumbers(requests.map(({ request }) => requestNumber(request))));
      }
      // Nothing follows that would tell the followers.
      if (this.#lastIndex === index) this.#broadcast(encodeEntry(0, index, []));
    });
    this.#broadcast(entry);
    this.#log.append(entry, () => this.#onSynced(this.#followers.length, index));
  }

  #broadcast(frame: Buffer): void {
    for (const follower of this.#followers) follower.write(frame);
  }

  #onSynced(process: number, index: number): void {
    this.#synced[process] = index;
    const descending = this.#synced.toSorted((a, b) => b - a);
    const quorum = descending[this.#followers.length >>> 1] as number;
    if (quorum > this.#store.commit) this.#store.commitTo(quorum);
    this.#propose();
  }
}

async function lead(
  log: Log,
  store: Store,
  followers: readonly string[],
): Promise<(call: Call) => void> {
  const streams = await Promise.all(followers.map((each) => openStream(each, PEER_TIMEOUT_MS)));
  const leader = new Leader(log, store, streams);
  return (call) => leader.serve(call);
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

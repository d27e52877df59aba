/**
 * etcd under test. h2load stands for its own client: it sends what etcd's Go
 * client sends, a gRPC call for each request on one connection, and costs less.
 */
import { Client, credentials } from "@grpc/grpc-js";
import { BenchData } from "../../client/bench/bench_data.ts";
import { createPrng } from "../../runtime/prng.ts";
import { putRequest, rangeRequest, txnRequest } from "./etcd_messages.ts";
import { EtcdProcesses } from "./etcd_process.ts";
import { runH2load, type UnaryTarget } from "./h2load.ts";
import type { Operation } from "./measurement.ts";
import type { Drive, SystemOptions, SystemUnderTest } from "./system.ts";

/** Operations that etcd takes in one transaction by default. */
const TXN_PUTS = 128;
/** Transactions under way while keys are loaded. */
const TXNS_IN_FLIGHT = 8;
const TXN_TIMEOUT_MS = 30_000;

export class EtcdSystem implements SystemUnderTest {
  readonly title: string;
  readonly pids: readonly number[];
  readonly #options: SystemOptions;
  readonly #processes: EtcdProcesses;
  readonly #directory: string;
  readonly #leader: string;
  readonly #data: BenchData;

  constructor(
    options: SystemOptions,
    processes: EtcdProcesses,
    directory: string,
    leader: { readonly address: string; readonly version: string },
  ) {
    const { keys, valueBytes } = options;
    this.title = `etcd ${leader.version}`;
    this.pids = processes.pids;
    this.#options = options;
    this.#processes = processes;
    this.#directory = directory;
    this.#leader = leader.address;
    this.#data = new BenchData({ prng: createPrng(1), keys, valueBytes });
  }

  /** @throws {EtcdError} When etcd is not on PATH, or does not come up */
  static async start(options: SystemOptions): Promise<EtcdSystem> {
    const parent = options.directory;
    const directory = await Deno.makeTempDir({
      prefix: "etcd_",
      ...(parent === undefined ? {} : { dir: parent }),
    });
    try {
      const processes = await EtcdProcesses.start(directory);
      return new EtcdSystem(options, processes, directory, await processes.leader());
    } catch (error) {
      await Deno.remove(directory, { recursive: true });
      throw error;
    }
  }

  async load(): Promise<void> {
    const client = new Client(this.#leader, credentials.createInsecure());
    try {
      const chunks = this.#data.chunks(TXN_PUTS)[Symbol.iterator]();
      const worker = async () => {
        for (let next = chunks.next(); !next.done; next = chunks.next()) {
          await txn(client, next.value);
        }
      };
      await Promise.all(Array.from({ length: TXNS_IN_FLIGHT }, worker));
    } finally {
      client.close();
    }
  }

  drive(operation: Operation, callers: number, durationMs: number): Promise<Drive> {
    return runH2load(this.unary(operation), { callers, durationMs });
  }

  unary(operation: Operation): UnaryTarget {
    const key = this.#data.anyKey();
    const { keys } = this.#options;
    return operation === "put"
      ? {
        address: this.#leader,
        path: "/etcdserverpb.KV/Put",
        message: putRequest(key, this.#data.value(0, keys)),
      }
      : { address: this.#leader, path: "/etcdserverpb.KV/Range", message: rangeRequest(key) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#processes[Symbol.asyncDispose]();
    await Deno.remove(this.#directory, { recursive: true });
  }
}

function txn(client: Client, entries: readonly (readonly [string, string])[]): Promise<void> {
  const identity = (bytes: Buffer) => bytes;
  const request = Buffer.from(txnRequest(entries));
  const deadline = Date.now() + TXN_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      "/etcdserverpb.KV/Txn",
      identity,
      identity,
      request,
      { deadline },
      (error) => error === null ? resolve() : reject(error),
    );
  });
}

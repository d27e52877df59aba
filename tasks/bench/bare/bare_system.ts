/** The bare store under test: three processes, and a client in this one that batches as a clerk does. */
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { setImmediate } from "node:timers";
import { BenchData } from "../../../client/bench/bench_data.ts";
import { Histogram } from "../../../runtime/histogram.ts";
import { createPrng, type Prng } from "../../../runtime/prng.ts";
import { freePorts } from "../../../tests/e2e/free_ports.ts";
import { v8FlagsOf } from "../../v8_flags.ts";
import type { UnaryTarget } from "../h2load.ts";
import { kill } from "../kill.ts";
import type { Operation } from "../measurement.ts";
import type { Drive, SystemOptions, SystemUnderTest } from "../system.ts";
import { decodeNumbers, encodeRequest, type Put } from "./frames.ts";
import { openStream } from "./stream.ts";

const START_TIMEOUT_MS = 30_000;
/** Puts under way while keys are loaded. */
const LOAD_PUTS = 1_000;
const MICROSECONDS = 1_000;

interface Waiting {
  readonly put: Put;
  readonly onDone: () => void;
  readonly onFailed: (error: Error) => void;
}

export class BareSystem implements SystemUnderTest {
  readonly title = "the bare store";
  readonly #directory: string;
  readonly #processes: readonly Deno.ChildProcess[];
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;
  readonly #prng: Prng = createPrng(1);
  readonly #data: BenchData;
  #queue: Waiting[] = [];
  readonly #sent = new Map<number, readonly Waiting[]>();
  #number = 0;

  constructor(
    { keys, valueBytes }: SystemOptions,
    directory: string,
    processes: readonly Deno.ChildProcess[],
    stream: ClientDuplexStream<Buffer, Buffer>,
  ) {
    this.#directory = directory;
    this.#processes = processes;
    this.#stream = stream;
    this.#data = new BenchData({ prng: this.#prng, keys, valueBytes });
    stream.on("data", (answer: Buffer) => this.#receive(answer));
    // Ending the servers ends the stream, when nobody waits any more.
    stream.on("error", (error) => this.#fail(error));
  }

  static async start(options: SystemOptions): Promise<BareSystem> {
    const directory = await Deno.makeTempDir({
      prefix: "bare_",
      ...(options.directory === undefined ? {} : { dir: options.directory }),
    });
    const addresses = freePorts(3).map((port) => `127.0.0.1:${port}`);
    const [leader = "", ...followers] = addresses;
    const processes = addresses.map((address, id) =>
      startReplica(`${directory}/${id}`, address, address === leader ? followers : [])
    );
    try {
      const stream = await openStream(leader, START_TIMEOUT_MS);
      return new BareSystem(options, directory, processes, stream);
    } catch (error) {
      await end(processes, directory);
      throw error;
    }
  }

  get pids(): readonly number[] {
    return this.#processes.map(({ pid }) => pid);
  }

  async load(): Promise<void> {
    for (const chunk of this.#data.chunks(LOAD_PUTS)) {
      await Promise.all(chunk.map((put) => this.#put(put)));
    }
  }

  /** Puts alone. */
  async drive(_operation: Operation, callers: number, durationMs: number): Promise<Drive> {
    const latencies = new Histogram();
    const begun = performance.now();
    const end = begun + durationMs;
    const caller = async () => {
      for (let before = performance.now(); before < end;) {
        await this.#put([this.#data.anyKey(), this.#data.value(0, 0)]);
        const now = performance.now();
        latencies.record((now - before) * MICROSECONDS);
        before = now;
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    return {
      requests: latencies.count,
      seconds: (performance.now() - begun) / 1_000,
      p50Ms: latencies.percentile(50) / MICROSECONDS,
      p99Ms: latencies.percentile(99) / MICROSECONDS,
    };
  }

  unary(): UnaryTarget {
    throw new Error("The bare store takes no unary calls");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#processes, this.#directory);
  }

  #put(put: Put): Promise<void> {
    return new Promise((onDone, onFailed) => {
      this.#queue.push({ put, onDone, onFailed });
      if (this.#queue.length === 1) setImmediate(() => this.#send());
    });
  }

  #send(): void {
    const batch = this.#queue;
    this.#queue = [];
    this.#sent.set(++this.#number, batch);
    this.#stream.write(encodeRequest(this.#number, batch.map(({ put }) => put)));
  }

  #fail(error: Error): void {
    for (const { onFailed } of [...this.#sent.values(), this.#queue].flat()) onFailed(error);
  }

  #receive(answer: Buffer): void {
    for (const number of decodeNumbers(answer)) {
      for (const { onDone } of this.#sent.get(number) ?? []) onDone();
      this.#sent.delete(number);
    }
  }
}

async function end(processes: readonly Deno.ChildProcess[], directory: string): Promise<void> {
  for (const process of processes) kill(process, "SIGKILL");
  await Promise.all(processes.map(({ status }) => status));
  await Deno.remove(directory, { recursive: true });
}

function startReplica(
  directory: string,
  address: string,
  followers: readonly string[],
): Deno.ChildProcess {
  Deno.mkdirSync(directory);
  const main = `${import.meta.dirname}/replica.ts`;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", v8FlagsOf(main), "-A", "--quiet", main, directory, address, ...followers],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

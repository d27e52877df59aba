/** Our cluster under test: three controllers, groups of three, a clerk in this process. */
import { BenchData } from "../../client/bench/bench_data.ts";
import { Bench, type BenchLoad } from "../../client/bench/bench.ts";
import { CommandRequest, Op, ShardKVServiceService } from "../../proto/gen/shardkv.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createPrng, type Prng } from "../../runtime/prng.ts";
import { SHARDS_DEFAULT } from "../../shardctrler/configuration/config.ts";
import { TestCluster } from "../../tests/e2e/cluster_harness.ts";
import type { UnaryTarget } from "./h2load.ts";
import type { Operation } from "./measurement.ts";
import type { Drive, SystemOptions, SystemUnderTest } from "./system.ts";

const GID = 100;

export class OurSystem implements SystemUnderTest {
  readonly title = "eRaft for Deno";
  readonly #options: SystemOptions;
  readonly #cluster: TestCluster;
  /** Address of the first group's leader. */
  readonly #leader: string;
  readonly #prng: Prng = createPrng(1);
  readonly #data: BenchData;

  constructor(options: SystemOptions, cluster: TestCluster, leader: string) {
    const { keys, valueBytes } = options;
    this.#options = options;
    this.#cluster = cluster;
    this.#leader = leader;
    this.#data = new BenchData({ prng: this.#prng, keys, valueBytes });
  }

  /** @param groups Share the keys between them */
  static async start(options: SystemOptions, groups = 1): Promise<OurSystem> {
    const { directory } = options;
    const shape = { groups, replicas: 3, shards: SHARDS_DEFAULT };
    const cluster = await TestCluster.start({ ...shape, directory });
    const label = await cluster.leaderOf(GID);
    const [group] = cluster.plan.groups;
    const leader = group?.nodes.find((node) => node.label === label);
    if (leader === undefined) throw new Error(`Cannot find node ${label} of group ${GID}`);
    return new OurSystem(options, cluster, leader.address);
  }

  /** The controllers too: they are part of the system, though they have little to do. */
  get pids(): readonly number[] {
    return this.#cluster.pids();
  }

  async load(): Promise<void> {
    await this.#bench({ mode: "get", clients: 1, durationMs: 0 }).load();
  }

  async drive(operation: Operation, callers: number, durationMs: number): Promise<Drive> {
    const result = await this.#bench({ mode: operation, clients: callers, durationMs }).run();
    if (result.failed > 0 || result.firstError !== undefined) {
      throw new Error(`${result.failed} requests failed`, { cause: result.firstError });
    }
    const { p50, p99 } = result.latencyMs;
    return {
      requests: result.successful,
      seconds: result.durationMs / 1_000,
      p50Ms: p50,
      p99Ms: p99,
    };
  }

  /** eRaft's call: what a client of any language makes without our library. */
  unary(operation: Operation): UnaryTarget {
    const isPut = operation === "put";
    const message = CommandRequest.encode({
      key: Buffer.from(this.#data.anyKey()),
      value: Buffer.from(isPut ? this.#data.value(0, this.#options.keys) : ""),
      op: isPut ? Op.PUT : Op.GET,
      clientId: "0",
      commandId: "0",
    }).finish();
    return { address: this.#leader, path: ShardKVServiceService.command.path, message };
  }

  /** @throws {Error} When a server has ended that nobody stopped */
  assertAlive(): void {
    const { deaths } = this.#cluster;
    if (deaths.length > 0) throw new Error(`Servers died: ${deaths.join("\n")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]();
  }

  #bench(load: Pick<BenchLoad, "mode" | "clients" | "durationMs">): Bench {
    const { keys, valueBytes } = this.#options;
    return new Bench({
      ...load,
      requests: undefined,
      ratePerSecond: undefined,
      readRatio: 0,
      keys,
      valueBytes,
      clerk: this.#cluster.clerk,
      clock: systemClock,
      prng: this.#prng,
    });
  }
}

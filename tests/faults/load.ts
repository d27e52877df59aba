/** Clerks that work without a rest, and the history of what they were told. */
import { CtrlerClerk } from "../../client/ctrler_clerk.ts";
import { KvClerk } from "../../client/kv_clerk.ts";
import { GrpcDialer } from "../../rpc/grpc/grpc_dialer.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { Draw } from "../sim/draw.ts";
import { HistoryChecker } from "../sim/history_checker.ts";
import { History } from "../sim/history.ts";
import { ObserverHub } from "../sim/observer_hub.ts";
import type { OperationWeight, WorkloadOptions } from "../sim/options.ts";
import { ReplicaReader } from "../sim/replica_reader.ts";
import { SimClient } from "../sim/sim_client.ts";
import { logKeyOf, sharedKeys } from "../sim/workload_keys.ts";
import { keyedClerk } from "./keyed_clerk.ts";

/** Everything that a clerk can do and reads from whichever replica, or appends alone. */
export type LoadKind = "mixed" | "appends";

const CLIENTS = 8;
/** Calls that each client has under way. */
const LANES = 2;
const KEYS = 16;

const OPERATIONS: Readonly<Record<LoadKind, readonly OperationWeight[]>> = {
  mixed: [
    ["get", 20],
    ["put", 12],
    ["append", 12],
    ["log", 16],
    ["delete", 4],
    ["cas", 8],
    ["getMany", 1],
    ["putMany", 1],
    ["scan", 1],
    ["getAnywhere", 6],
  ],
  appends: [["log", 6], ["get", 1]],
};

const WORKLOAD: Omit<WorkloadOptions, "operations"> = {
  clients: CLIENTS,
  keys: KEYS,
  valueBytes: 32,
  thinkMaxMs: 80,
  timeoutMaxMs: 6_000,
  renewOdds: 200,
  adminPeriodMs: 0,
  memberPeriodMs: 0,
};

export interface LoadOptions {
  readonly kind: LoadKind;
  readonly controllers: readonly string[];
  readonly draw: Draw;
  /** Put before every key: no other load has it. */
  readonly prefix: string;
}

export class Load {
  readonly prefix: string;
  readonly history = new History(() => Math.round(performance.now()));
  readonly #hub = new ObserverHub([new HistoryChecker()]);
  readonly #clients: readonly SimClient[];
  readonly #dialer = new GrpcDialer();
  readonly #running: Promise<unknown>;

  /** Begins at once. */
  constructor({ kind, controllers, draw, prefix }: LoadOptions) {
    this.prefix = prefix;
    const options = { ...WORKLOAD, operations: OPERATIONS[kind] };
    const createClerk = () =>
      keyedClerk(
        new KvClerk({ controllers, dialer: new GrpcDialer(), ownsDialer: true }),
        prefix,
      );
    this.#clients = Array.from({ length: CLIENTS }, (_, number) => {
      const parts = { number, options, createClerk, history: this.history, hub: this.#hub };
      const own = draw.fork();
      const shared = { dialer: this.#dialer, clock: systemClock, prng: own.prng };
      const source = new CtrlerClerk({ ...shared, controllers });
      const reader = new ReplicaReader({ source, dialer: this.#dialer, draw: own });
      const getAnywhere: ReplicaReader["get"] = (key, terms) => reader.get(prefix + key, terms);
      return new SimClient({ ...parts, getAnywhere, clock: systemClock, draw: own });
    });
    const lanes = this.#clients.flatMap((client) =>
      Array.from({ length: LANES }, () => client.run())
    );
    this.#running = Promise.all(lanes);
    // Told by `stop`.
    this.#running.catch(() => {});
  }

  /** Keys that may have been written, without the prefix. */
  get keys(): string[] {
    const logs = this.#clients.map((_, number) => logKeyOf(number));
    return [...logs, logKeyOf(undefined), ...sharedKeys(KEYS)];
  }

  /** Operations that were acknowledged. */
  get acknowledged(): number {
    return this.history.operations.filter(({ outcome }) => outcome?.kind === "ok").length;
  }

  /**
   * Ends the work and waits for what is under way.
   *
   * @throws {Violation} If an answer was wrong by itself
   */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.stop();
    try {
      await this.#running;
    } finally {
      await Promise.all(this.#clients.map((client) => client.close()));
      await this.#dialer.close();
    }
    if (this.#hub.failure !== undefined) throw this.#hub.failure;
  }
}

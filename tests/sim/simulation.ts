/** One run: a system of a seed's making, a phase with faults, and a phase in which it must get well. */
import type { KvClerk } from "../../client/kv_clerk.ts";
import { DEFAULT_RAFT_CONFIG } from "../../raft/config.ts";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import type { Config } from "../../shardctrler/configuration/config.ts";
import { Admin } from "./admin.ts";
import type { CheckedLimits } from "./checkers/limits.ts";
import { createCheckers } from "./checkers/mod.ts";
import { assertSameContents, uncleared } from "./contents.ts";
import { Draw } from "./draw.ts";
import { EventLog } from "./event_log.ts";
import { CrashFailure } from "./failure.ts";
import { HistoryChecker } from "./history_checker.ts";
import { History } from "./history.ts";
import { LinearizabilityChecker } from "./linearizable.ts";
import { MemberAdmin } from "./member_admin.ts";
import { Nemesis } from "./nemesis.ts";
import { ObserverHub } from "./observer_hub.ts";
import type { SimOptions } from "./options.ts";
import { heal, insist, type RecoveryParts, unequal, unsettled, waitUntil } from "./recovery.ts";
import { SimClient } from "./sim_client.ts";
import { SimCluster } from "./sim_cluster.ts";
import { type Figures, Statistics } from "./statistics.ts";
import { Traps } from "./traps.ts";
import { logKeyOf, sharedKeys } from "./workload_keys.ts";

/** Virtual time a system without faults has for its first configuration. */
const START_LIMIT_MS = 60_000;
/** Virtual time in which the shared keys are read and written at the end, each call. */
const FINAL_TIMEOUT_MS = 10_000;
/** Virtual time at the end in which nobody asks for anything. */
const IDLE_MS = 1_000;

export interface SimResult {
  readonly hash: string;
  readonly figures: Figures;
  /** Undefined if everything held. */
  readonly failure: unknown;
}

export interface SimHooks {
  /** Gets every event as a line. */
  readonly trace?: ((line: string) => void) | undefined;
}

export class Simulation {
  readonly #options: SimOptions;
  readonly #clock = new VirtualClock();
  readonly #draw: Draw;
  readonly #statistics = new Statistics();
  readonly #events: EventLog;
  readonly #hub: ObserverHub;
  readonly #history = new History(() => this.#clock.now());
  readonly #cluster: SimCluster;
  readonly #clients: readonly SimClient[];
  readonly #admin: Admin;
  readonly #memberAdmin: MemberAdmin;
  readonly #nemesis: Nemesis;
  /** What clients and the operator still do. */
  #underWay = 0;

  constructor(options: SimOptions, hooks: SimHooks = {}) {
    const { seed, nemesis, workload } = options;
    this.#options = options;
    // Whoever draws gets a generator of its own; their order is part of what a seed means.
    this.#draw = new Draw(createPrng(seed)).fork();
    this.#events = new EventLog(() => this.#clock.now(), hooks.trace);
    const traps = new Traps(this.#clock);
    this.#hub = new ObserverHub([
      this.#statistics,
      this.#events,
      ...createCheckers(limitsOf(options)),
      new HistoryChecker(),
      new LinearizabilityChecker(),
      traps,
    ]);
    this.#cluster = new SimCluster({ ...this.#instruments, options, draw: this.#draw.fork() });
    const cluster = this.#cluster;
    const names = Array.from({ length: workload.clients }, (_, i) => `client-${i}`);
    this.#nemesis = new Nemesis({
      ...this.#instruments,
      traps,
      options: nemesis,
      clusterOptions: options.cluster,
      cluster,
      clients: [...names, "admin", "members"],
      draw: this.#draw.fork(),
    });
    this.#admin = new Admin({
      ...this.#instruments,
      clerk: cluster.ctrlerClerk("admin"),
      cluster,
      draw: this.#draw.fork(),
      periodMs: workload.adminPeriodMs,
    });
    this.#memberAdmin = new MemberAdmin({
      ...this.#instruments,
      cluster,
      draw: this.#draw.fork(),
      periodMs: workload.memberPeriodMs,
      losesDisks: nemesis.weights["wiped disk"] !== undefined,
    });
    this.#clients = names.map((name, number) => this.#createClient(name, number));
  }

  /** What everybody in the system runs on, is watched by and reports to. */
  get #instruments() {
    return {
      clock: this.#clock,
      hub: this.#hub,
      events: this.#events,
      statistics: this.#statistics,
    };
  }

  #createClient(name: string, number: number): SimClient {
    const draw = this.#draw.fork();
    const reader = this.#cluster.replicaReader(name, draw);
    return new SimClient({
      ...this.#instruments,
      number,
      options: this.#options.workload,
      draw,
      history: this.#history,
      createClerk: () => this.#cluster.kvClerk(name),
      getAnywhere: reader.get.bind(reader),
    });
  }

  async run(): Promise<SimResult> {
    using _ = this.#watchRejections();
    try {
      await this.#start();
      if (this.#hub.failure === undefined) await this.#suffer();
      if (this.#hub.failure === undefined) await this.#recover();
    } catch (error) {
      this.#hub.fail(error);
    }
    const { events, hash } = this.#events;
    const figures = this.#statistics.figures(this.#clock.now(), events);
    return { hash, figures, failure: this.#hub.failure };
  }

  get #waiting(): RecoveryParts {
    const { recoveryMaxMs } = this.#options;
    return { cluster: this.#cluster, clock: this.#clock, hub: this.#hub, limitMs: recoveryMaxMs };
  }

  async #start(): Promise<void> {
    this.#cluster.start();
    this.#follow(this.#admin.begin());
    const parts = { ...this.#waiting, limitMs: START_LIMIT_MS };
    await waitUntil(parts, () => this.#underWay > 0 ? "there is no configuration" : "");
  }

  /** The phase with faults. */
  async #suffer(): Promise<void> {
    const { workload, faultPhaseMs } = this.#options;
    this.#nemesis.start();
    if (workload.adminPeriodMs > 0) this.#follow(this.#admin.run());
    if (workload.memberPeriodMs > 0) this.#follow(this.#memberAdmin.run());
    for (const client of this.#clients) {
      this.#follow(client.run());
      this.#follow(client.run());
    }
    const endMs = this.#clock.now() + faultPhaseMs;
    while (this.#clock.now() < endMs && this.#hub.failure === undefined) {
      await this.#clock.advance(50);
    }
    this.#nemesis.stop();
  }

  /** The phase in which all must get well. */
  async #recover(): Promise<void> {
    const parts = this.#waiting;
    heal(parts);
    this.#admin.stop();
    this.#memberAdmin.stop();
    for (const client of this.#clients) client.stop();
    await waitUntil(parts, () => this.#underWay > 0 ? `${this.#underWay} calls do not end` : "");
    const config = await this.#settle(parts);
    if (config === undefined) return;
    await this.#writeEveryKey(parts);
    await waitUntil(parts, () => uncleared(this.#cluster));
    const finalValues = await this.#readEveryKey(parts);
    await waitUntil(parts, () => unequal(this.#cluster));
    if (this.#hub.failure === undefined) assertSameContents(this.#cluster);
    const nodes = this.#cluster.survivors.flat().flatMap(({ view }) => view ?? []);
    this.#hub.tell((all) => all.idleBegan(nodes));
    await this.#clock.advance(IDLE_MS);
    const { operations: history } = this.#history;
    const nowMs = this.#clock.now();
    this.#hub.tell((all) => all.ended({ nowMs, nodes, config, history, finalValues }));
  }

  /** @returns The configuration in which all groups rest */
  async #settle(parts: RecoveryParts): Promise<Config | undefined> {
    const clerk = this.#cluster.ctrlerClerk("final");
    const ask = () => insist(parts, "asking for the configuration", () => clerk.query());
    let config = await ask();
    // Groups may still have to say who their members are, which makes another configuration.
    const isNewer = (known: Config) => this.#cluster.latestConfigNum > known.num;
    while (config !== undefined && this.#hub.failure === undefined) {
      const known = config;
      await waitUntil(parts, () => isNewer(known) ? "" : unsettled(this.#cluster, known));
      if (!isNewer(known)) return known;
      config = await ask();
    }
    return undefined;
  }

  get #everyKey(): string[] {
    const { clients, keys } = this.#options.workload;
    const logs = Array.from({ length: clients }, (_, i) => logKeyOf(i));
    return [...logs, logKeyOf(undefined), ...sharedKeys(keys)];
  }

  /** Appends nothing to any key, which changes nothing but a missing key. */
  async #writeEveryKey(parts: RecoveryParts): Promise<void> {
    const clerk = this.#cluster.kvClerk("final");
    for (const key of this.#everyKey) {
      await insist(parts, `writing '${key}'`, async () => {
        const input = { kind: "append", value: "" } as const;
        const operations = this.#history.invoke(-1, "append", [[key, input]]);
        await clerk.append(key, "", { timeoutMs: FINAL_TIMEOUT_MS });
        this.#history.finish(operations, () => ({ kind: "ok" }));
      });
    }
    await clerk.close();
  }

  /**
   * What every key holds at last. A write that its client has given up may
   * still take effect in between: then they are read anew.
   */
  async #readEveryKey(parts: RecoveryParts): Promise<Map<string, string | undefined>> {
    const values = new Map<string, string | undefined>();
    const clerk = this.#cluster.kvClerk("final");
    let written: string;
    do {
      await waitUntil(parts, () => unequal(this.#cluster));
      written = this.#written;
      for (const key of this.#everyKey) await this.#finalRead(parts, clerk, key, values);
    } while (written !== this.#written && this.#hub.failure === undefined);
    await clerk.close();
    return values;
  }

  /** Changes with every entry of any log. */
  get #written(): string {
    return this.#cluster.nodes.map(({ view }) => view?.status().lastIndex).join();
  }

  async #finalRead(
    parts: RecoveryParts,
    clerk: KvClerk,
    key: string,
    values: Map<string, string | undefined>,
  ): Promise<void> {
    await insist(parts, `reading '${key}'`, async () => {
      const operations = this.#history.invoke(-1, "get", [[key, { kind: "get" }]]);
      const bytes = await clerk.get(key, { timeoutMs: FINAL_TIMEOUT_MS });
      const value = bytes === undefined ? undefined : Buffer.from(bytes).toString();
      this.#history.finish(operations, () => ({ kind: "ok", value }));
      for (const operation of operations) this.#hub.tell((all) => all.operationReturned(operation));
      values.set(key, value);
    });
  }

  /** A rejection that nobody handles would end a real process. */
  #watchRejections(): Disposable {
    const listener = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      this.#hub.fail(new CrashFailure("A rejection was not handled", { cause: event.reason }));
    };
    globalThis.addEventListener("unhandledrejection", listener);
    return {
      [Symbol.dispose]: () => globalThis.removeEventListener("unhandledrejection", listener),
    };
  }

  /** Counts what goes on beside the run itself; nothing of it may fail in an unforeseen way. */
  #follow(task: Promise<void>): void {
    this.#underWay++;
    task.catch((error) => this.#hub.fail(error)).finally(() => this.#underWay--);
  }
}

function limitsOf({ cluster, workload }: SimOptions): CheckedLimits {
  return { ...DEFAULT_RAFT_CONFIG, ...cluster.raft, callTimeoutMaxMs: workload.timeoutMaxMs };
}

/** Runs a seed from its beginning to its end. */
export function simulate(options: SimOptions, hooks?: SimHooks): Promise<SimResult> {
  return new Simulation(options, hooks).run();
}

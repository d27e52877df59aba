/** One node of the simulated system: its disk and clock, and one process after the other. */
import { IdentityError } from "../../raft/node/members/identity.ts";
import type { Roster } from "../../raft/node/members/roster.ts";
import type { RaftObserver } from "../../raft/node/observer.ts";
import type { RaftNode } from "../../raft/node/raft_node.ts";
import type { NodeId } from "../../raft/types.ts";
import { KvError } from "../../rpc/errors.ts";
import type { MemoryServer } from "../../rpc/memory/memory_network.ts";
import type { Dialer, ServiceRoutes } from "../../rpc/service.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createPrng } from "../../runtime/prng.ts";
import type { Prng } from "../../runtime/prng.ts";
import type { Gid } from "../../shardctrler/configuration/config.ts";
import type { MemoryEngine } from "../../storage/memory_engine.ts";
import type { Draw } from "./draw.ts";
import { CrashFailure } from "./failure.ts";
import { Gate } from "./gate.ts";
import { GatedDialer, gatedRoutes } from "./gated_carrier.ts";
import { NodeClock } from "./node_clock.ts";
import type { NodeView, StopKind } from "./observation.ts";
import type { Life, ObserverHub } from "./observer_hub.ts";
import type { DiskOptions } from "./options.ts";
import { SimDisk } from "./sim_disk.ts";
import type { SimNetwork } from "./sim_network.ts";

/** What a controller or a replica is put together from. */
export interface ProcessPorts {
  readonly engine: MemoryEngine;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly observer: RaftObserver;
  readonly onFatal: (error: unknown) => void;
}

/** A controller or a replica. */
export interface Process {
  readonly routes: ServiceRoutes;
  readonly raft: Pick<RaftNode, "roster" | "readBarrier" | "memberChanges">;
  stop(): Promise<void>;
}

export interface SimNodeOptions {
  readonly gid: Gid;
  readonly id: NodeId;
  /** It was there from the beginning; others are added and join by themselves. */
  readonly isFirst: boolean;
  readonly address: string;
  readonly world: Clock;
  readonly draw: Draw;
  readonly disk: DiskOptions;
  readonly network: SimNetwork;
  /** After which callers give a silent node up. */
  readonly keepaliveMs: number;
  readonly hub: ObserverHub;
  readonly open: (ports: ProcessPorts) => Promise<Process>;
}

/** Before a node that could not join is started again. */
const JOIN_RETRY_MS = 1_000;

/** Everything that ends with one process. */
interface Running {
  readonly life: Life;
  readonly dialer: Dialer;
  process: Process | undefined;
  server: MemoryServer | undefined;
}

export class SimNode {
  readonly gid: Gid;
  readonly id: NodeId;
  readonly isFirst: boolean;
  readonly address: string;
  readonly clock: NodeClock;
  readonly disk: SimDisk;
  readonly #options: SimNodeOptions;
  readonly #gate: Gate;
  #running: Running | undefined;
  #stopping = false;
  #lives = 0;
  #lost = false;
  #retired = false;

  constructor(options: SimNodeOptions) {
    const { world, draw, disk } = options;
    this.#options = options;
    this.gid = options.gid;
    this.id = options.id;
    this.isFirst = options.isFirst;
    this.address = options.address;
    this.#gate = new Gate(world);
    this.clock = new NodeClock(world, this.#gate);
    this.disk = new SimDisk({ clock: this.clock, draw: draw.fork(), latency: disk });
  }

  /** The process runs or is about to; one that is being stopped does not. */
  get isUp(): boolean {
    return this.#running !== undefined && !this.#stopping;
  }

  /** Its disk is gone: the group gets along without it for good. */
  get isLost(): boolean {
    return this.#lost;
  }

  /** It was taken out of its group. */
  get isRetired(): boolean {
    return this.#retired;
  }

  /** The members as the process has applied them; undefined while none runs. */
  get roster(): Roster | undefined {
    return this.#running?.process?.raft.roster;
  }

  get isPaused(): boolean {
    return this.#gate.isClosed;
  }

  /** Undefined while nothing is loaded. */
  get view(): NodeView | undefined {
    return this.#running?.life.view;
  }

  /** Starts a process on whatever the disk holds. */
  start(): void {
    if (this.#running !== undefined || (this.#retired && this.#lost)) return;
    const { gid, id, address, network, hub, draw } = this.#options;
    const { engine } = this.disk;
    const life = hub.watch({
      gid,
      id,
      address,
      life: ++this.#lives,
      disk: this.disk.number,
      engine,
    });
    const dialer = new GatedDialer(network.dialer(address), this.#gate);
    const running: Running = { life, dialer, process: undefined, server: undefined };
    this.#running = running;
    const ports: ProcessPorts = {
      engine,
      dialer,
      clock: this.clock,
      prng: createPrng(draw.prng.below(2 ** 32)),
      observer: life.observer,
      onFatal: (error) => this.#onFatal(running, error),
    };
    this.#options.open(ports).then(
      (process) => this.#opened(running, process),
      (error) => this.#onFatal(running, error),
    );
  }

  /** As kill -9 with a power cut. */
  crash(): void {
    this.#kill("crash", () => this.disk.crash());
  }

  /** As a crash, and the disk is lost. */
  wipe(): void {
    this.#kill("wipe", () => {
      this.disk.wipe();
      this.#lost = true;
    });
  }

  /** Lets the process end in order. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running?.process === undefined || this.#stopping) return;
    this.#stopping = true;
    this.#gate.open();
    running.server?.close();
    await running.process.stop();
    // It may have been killed on its way out.
    if (this.#running !== running) return;
    await running.dialer.close();
    running.life.end("stop");
    await this.disk.reopen();
    this.#running = undefined;
    this.#stopping = false;
  }

  /** The group has taken it out for good; what still runs must not disturb anybody. */
  retire(): void {
    this.#retired = true;
  }

  /** Holds the process still. Those who call it notice: nobody answers their keepalive. */
  pause(): void {
    const running = this.#running;
    if (running === undefined || this.#stopping) return;
    const { world, keepaliveMs } = this.#options;
    this.#gate.close();
    world.setTimer(() => {
      if (!this.#gate.isClosed || this.#running !== running) return;
      running.server?.close();
      running.server = undefined;
    }, keepaliveMs);
  }

  resume(): void {
    this.#gate.open();
    const running = this.#running;
    if (running !== undefined && !this.#stopping) this.#serve(running);
  }

  /** Has it find out whether it may read as its group's leader, as if a client had come through. */
  tryRead(): void {
    this.#ask((raft) => raft.readBarrier());
  }

  /** Has it hand leadership to another member, as if an operator had come through. */
  handOver(to: NodeId): void {
    this.#ask((raft) => Promise.try(() => raft.memberChanges.transferLeader(to)));
  }

  #ask(question: (raft: Process["raft"]) => Promise<void>): void {
    const { raft } = this.#running?.process ?? {};
    if (raft === undefined || this.#stopping) return;
    this.#gate.pass(() => {
      question(raft).catch((error) => {
        if (!(error instanceof KvError)) this.#options.hub.fail(error);
      });
    });
  }

  #kill(how: StopKind, breakDisk: () => void): void {
    const running = this.#running;
    if (running === undefined) return;
    running.life.end(how);
    this.#running = undefined;
    this.#stopping = false;
    breakDisk();
    running.server?.close();
    void this.#sweepUp(running);
    this.#gate.open();
  }

  /** A dead process is stopped too, so that nothing of it goes on; it can do no more than end. */
  async #sweepUp({ process, dialer }: Running): Promise<void> {
    const stopping = process?.stop().catch((error) => this.#options.hub.fail(error));
    await dialer.close();
    await stopping;
  }

  #opened(running: Running, process: Process): void {
    running.process = process;
    if (running.life.ended) {
      void this.#sweepUp(running);
      return;
    }
    this.#serve(running);
  }

  /** Answers at the node's address, unless it does already or is not loaded yet. */
  #serve(running: Running): void {
    if (running.process === undefined || running.server !== undefined) return;
    const routes = gatedRoutes(running.process.routes, this.#gate);
    running.server = this.#options.network.serve(this.address, routes);
  }

  #onFatal(running: Running, error: unknown): void {
    if (running.life.ended) return;
    if (this.#isVainJoin(running, error)) return this.#joinLater();
    running.life.end("failure");
    this.#options.hub.fail(
      new CrashFailure(`Node ${this.address} gave up`, { cause: error }),
    );
  }

  /** A node that joins finds nobody who answers, or was taken out before it had begun. */
  #isVainJoin(running: Running, error: unknown): boolean {
    const isJoining = !this.isFirst && running.process === undefined;
    return isJoining && (error instanceof KvError || error instanceof IdentityError);
  }

  /** As whoever watches over a real process would start it again. */
  #joinLater(): void {
    const { world } = this.#options;
    this.#kill("failure", () => this.disk.crash());
    if (!this.#retired) world.setTimer(() => this.start(), JOIN_RETRY_MS);
  }
}

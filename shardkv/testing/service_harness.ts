/** A group's log without Raft: proposals are applied at once; for tests of the services. */
import { assert } from "@std/assert";
import type { RaftNodeStatus } from "../../raft/node/raft_node_options.ts";
import type { ReplyAt } from "../../raft/node/requests/proposals.ts";
import type { Method, ServiceRoutes } from "../../rpc/service.ts";
import type { Clock } from "../../runtime/clock.ts";
import { RequestMetrics } from "../../server/request_metrics.ts";
import type { GroupLog } from "../group_log.ts";
import { DEFAULT_GROUP_LIMITS, SERVER_REQUESTS_MAX } from "../limits.ts";
import type { GroupReply } from "../machine/commands.ts";
import { Arrivals } from "../migration/arrivals.ts";
import { WriteBrake } from "../migration/write_brake.ts";
import { KvService, type KvServiceOptions } from "../service/kv_service.ts";
import { ReadBudget } from "../service/read_budget.ts";
import { RequestGate } from "../service/request_gate.ts";
import type { MachineHarness } from "./machine_harness.ts";

/** A service of group 100; `parts` is what a test looks at, the rest is its own. */
export function kvServiceOn(
  { log, group, clock }: { log: GroupLog; group: MachineHarness; clock: Clock },
  parts: Partial<KvServiceOptions> = {},
): KvService {
  return new KvService({
    log,
    machine: group.machine,
    limits: DEFAULT_GROUP_LIMITS,
    requests: new RequestMetrics(clock),
    gid: 100,
    reads: new ReadBudget(),
    brake: new WriteBrake(clock),
    arrivals: new Arrivals(clock),
    gate: new RequestGate(SERVER_REQUESTS_MAX),
    ...parts,
  });
}

export class FakeLog implements GroupLog {
  readonly #group: MachineHarness;
  /** Awaited before anything is applied. */
  gate: Promise<void> = Promise.resolve();
  /** Thrown by the read barrier. */
  readError: Error | undefined;
  role: RaftNodeStatus["role"] = "leader";
  readonly #listeners = new Set<Parameters<GroupLog["onRoleChange"]>[0]>();

  constructor(group: MachineHarness) {
    this.#group = group;
  }

  get reader() {
    return this.#group.reader;
  }

  async propose(payload: Uint8Array, _replyAt?: ReplyAt, _values?: number): Promise<GroupReply> {
    await this.gate;
    const [reply] = await this.#group.apply(payload);
    assert(reply !== undefined);
    return reply;
  }

  readBarrier(): Promise<void> {
    return this.readError === undefined ? this.gate : Promise.reject(this.readError);
  }

  status(): RaftNodeStatus {
    return {
      id: 1,
      role: this.role,
      term: 1,
      leader: 1,
      leaderAddress: "leader:1",
      commit: 5,
      applied: 4,
      firstIndex: 1,
      lastIndex: 6,
    };
  }

  onRoleChange(listener: Parameters<GroupLog["onRoleChange"]>[0]): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Who listens is told, also if it has that role already. */
  become(role: RaftNodeStatus["role"]): void {
    this.role = role;
    for (const listener of this.#listeners) listener(this.status());
  }
}

/** Calls a unary route as a carrier does. */
export function callUnary<Request, Response>(
  routes: ServiceRoutes,
  method: Method<Request, Response>,
  request: Request,
  signal = new AbortController().signal,
): Promise<Response> {
  const route = routes.find((each) => each.method.path === method.path);
  if (route?.kind !== "unary") throw new Error(`There is no unary route ${method.path}`);
  return route.handler(request, {
    signal,
    peer: "test",
    metadata: () => undefined,
  });
}

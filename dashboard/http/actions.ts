/** Changes of the cluster from the page: what each would do, and doing it. */
import type { CtrlerClerk } from "../../client/ctrler_clerk.ts";
import { checkServers } from "../../client/join_check.ts";
import { MemberClerk } from "../../client/member_clerk.ts";
import { groupServers } from "../../client/status/group_servers.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Dialer } from "../../rpc/service.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Prng } from "../../runtime/prng.ts";
import { applyChange } from "../../shardctrler/configuration/apply_change.ts";
import { type Config, type Gid, holderOf } from "../../shardctrler/configuration/config.ts";
import type { Action, ActionPreview, ActionResult, ClusterState } from "../api.ts";
import { changeOf, commandOf } from "./action_input.ts";

/** Milliseconds that an action may take before it is told to have failed. */
const TIMEOUT_MS = 10_000;
/** Milliseconds that the servers of a new group have to say who they are. */
const ASK_TIMEOUT_MS = 5_000;

export interface ActionDeskOptions {
  readonly clerk: Pick<CtrlerClerk, "query" | "join" | "leave" | "move">;
  readonly controllers: readonly string[];
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  readonly state: () => ClusterState | undefined;
  /** Called after a change, so that it shows soon. */
  readonly onChanged: () => void;
}

export class ActionDesk {
  readonly #options: ActionDeskOptions;

  constructor(options: ActionDeskOptions) {
    this.#options = options;
  }

  /** @throws {KvError} If the controllers do not say what there is to change */
  async preview(action: Action): Promise<ActionPreview> {
    const command = commandOf(action, this.#options.controllers);
    if (action.kind === "transferLeader") {
      return { command, moves: [], refusal: this.#transferRefusal(action.gid, action.nodeId) };
    }
    const change = changeOf(action);
    const config = await this.#options.clerk.query(-1, { timeoutMs: TIMEOUT_MS });
    const outcome = change && applyChange(config, change);
    switch (outcome?.kind) {
      case "changed":
        return { command, moves: movesBetween(config, outcome.config), refusal: null };
      case "refused":
        return { command, moves: [], refusal: outcome.refusal.message };
      default:
        return { command, moves: [], refusal: null };
    }
  }

  /**
   * @param peer Who asks, for the log
   * @throws {KvError} Why it was refused, or that nobody answered
   */
  async run(action: Action, peer: string): Promise<ActionResult> {
    const { controllers, logger, onChanged } = this.#options;
    const command = commandOf(action, controllers);
    try {
      const message = await this.#do(action);
      logger.info("Did what the dashboard was asked for", { command, peer });
      onChanged();
      return { command, message };
    } catch (error) {
      const { code, message } = KvError.from(error);
      logger.warn("Could not do what the dashboard was asked for", {
        command,
        peer,
        code,
        message,
      });
      throw error;
    }
  }

  async #do(action: Action): Promise<string> {
    const { clerk } = this.#options;
    const call = { timeoutMs: TIMEOUT_MS };
    switch (action.kind) {
      case "moveShard":
        return done(await clerk.move(action.shardId, action.gid, call));
      case "addGroup":
        return done(await this.#join(new Map([[action.gid, action.servers]])));
      case "removeGroup":
        return done(await clerk.leave([action.gid], call));
      case "transferLeader":
        return await this.#transfer(action.gid, action.nodeId);
    }
  }

  /** As the command does that is shown: the servers are asked first. */
  async #join(groups: ReadonlyMap<Gid, readonly string[]>): Promise<Config> {
    const { clerk } = this.#options;
    const asking = { ...this.#options, timeoutMs: ASK_TIMEOUT_MS, print: () => {} };
    const identities = await checkServers(groups, asking);
    return await clerk.join(groups, { timeoutMs: TIMEOUT_MS, identities });
  }

  async #transfer(gid: number, nodeId: number): Promise<string> {
    const { controllers, clerk } = this.#options;
    const latest = () => clerk.query(-1, { timeoutMs: TIMEOUT_MS });
    const servers = await groupServers(gid, controllers, latest);
    const members = new MemberClerk({ ...this.#options, servers, timeoutMs: TIMEOUT_MS });
    try {
      await members.transfer(nodeId);
      return `Leadership is on its way to node ${nodeId}`;
    } finally {
      members.close();
    }
  }

  /** What can be told before it is tried. */
  #transferRefusal(gid: number, nodeId: number): string | null {
    const nodes = this.#options.state()?.nodes.filter((node) => node.gid === gid) ?? [];
    const node = nodes.find(({ id }) => id === nodeId);
    const refuse = (why: string) => `Cannot hand leadership to node ${nodeId}: ${why}`;
    if (nodes.length === 0) return refuse(`group ${gid} is not known`);
    if (node === undefined) return refuse("the group has no such member");
    if (node.role === "Leader") return refuse("it leads already");
    if (node.role === "Learner") return refuse("it has no vote");
    return node.healthy ? null : refuse("it does not answer");
  }
}

function done({ num }: Config): string {
  return `Configuration ${num} is in force`;
}

/** Shards whose data changes hands. */
function movesBetween(before: Config, after: Config): ActionPreview["moves"] {
  return after.shards.flatMap((toGid, shardId) => {
    const fromGid = holderOf(before, shardId);
    return fromGid === toGid ? [] : [{ shardId, fromGid, toGid }];
  });
}

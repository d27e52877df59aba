/** Everything a replica of a shard group answers, beside Raft itself. */
import { ShardTransferServiceService } from "../../proto/gen/shardkv.ts";
import { type ServiceRoutes, unary } from "../../rpc/service.ts";
import type { Clock } from "../../runtime/clock.ts";
import { SERVER_REQUESTS_MAX, TRANSFER_REQUESTS_MAX } from "../limits.ts";
import type { Arrivals } from "../migration/arrivals.ts";
import {
  checkGainer,
  dropShard,
  freezeShard,
  readChunk,
  type ShardSourceContext,
} from "../migration/shard_source.ts";
import { WriteBrake } from "../migration/write_brake.ts";
import { ClassicService, type ClassicServiceOptions } from "./classic_service.ts";
import { KvService } from "./kv_service.ts";
import { ReadBudget } from "./read_budget.ts";
import { RequestGate } from "./request_gate.ts";

export interface GroupServicesOptions
  extends Omit<ClassicServiceOptions, "reads" | "gate" | "transfers"> {
  readonly clock: Clock;
  /** Shards that are about to be this group's; its migrator tells. */
  readonly arrivals: Arrivals;
}

export function groupRoutes(options: GroupServicesOptions): ServiceRoutes {
  const brake = new WriteBrake(options.clock);
  const reads = new ReadBudget();
  const gate = new RequestGate(SERVER_REQUESTS_MAX);
  // Clients that fill the server must not keep groups from fetching their shards.
  const transfers = new RequestGate(TRANSFER_REQUESTS_MAX);
  return [
    ...new ClassicService({ ...options, reads, gate, transfers }).routes,
    ...new KvService({ ...options, reads, gate, brake }).routes,
    ...transferRoutes({ ...options, transfers }, brake),
  ];
}

/** What a replica answers other groups from. */
export interface TransferContext extends ShardSourceContext {
  readonly transfers: RequestGate;
}

/** What the groups call that have gained shards of this one. */
export function transferRoutes(context: TransferContext, brake: WriteBrake): ServiceRoutes {
  const { machine, transfers } = context;
  return [
    unary(ShardTransferServiceService.pullShard, (request) =>
      transfers.run(async () => {
        checkGainer(machine.ownership, request);
        const chunk = await readChunk(context, request);
        if (request.brakeMs > 0) brake.apply(request.shard, request.brakeMs);
        return chunk;
      })),
    unary(ShardTransferServiceService.freezeShard, (request) =>
      transfers.run(async () => {
        checkGainer(machine.ownership, request);
        const { configNum, shard } = request;
        await brake.lift(shard);
        await freezeShard(context, { configNum, shard });
        return await readChunk(context, request);
      })),
    unary(ShardTransferServiceService.dropShard, (request) =>
      transfers.run(async () => {
        checkGainer(machine.ownership, request);
        const { configNum, shard } = request;
        await dropShard(context, { configNum, shard });
        return {};
      })),
  ];
}

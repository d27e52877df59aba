/** Everything a replica of a shard group answers, beside Raft itself. */
import { ShardTransferServiceService } from "../proto/gen/shardkv.ts";
import { type ServiceRoutes, unary } from "../rpc/service.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Arrivals } from "./arrivals.ts";
import { ClassicService, type ClassicServiceOptions } from "./classic_service.ts";
import { KvService } from "./kv_service.ts";
import { ReadBudget } from "./read_budget.ts";
import {
  checkGainer,
  dropShard,
  freezeShard,
  readChunk,
  type ShardSourceContext,
} from "./shard_source.ts";
import { WriteBrake } from "./write_brake.ts";

export interface GroupServicesOptions extends Omit<ClassicServiceOptions, "reads"> {
  readonly clock: Clock;
  /** Shards that are about to be this group's; its migrator tells. */
  readonly arrivals: Arrivals;
}

export function groupRoutes(options: GroupServicesOptions): ServiceRoutes {
  const brake = new WriteBrake(options.clock);
  const reads = new ReadBudget();
  return [
    ...new ClassicService({ ...options, reads }).routes,
    ...new KvService({ ...options, reads, brake }).routes,
    ...transferRoutes(options, brake),
  ];
}

/** What the groups call that have gained shards of this one. */
export function transferRoutes(context: ShardSourceContext, brake: WriteBrake): ServiceRoutes {
  const { machine } = context;
  return [
    unary(ShardTransferServiceService.pullShard, async (request) => {
      checkGainer(machine.ownership, request);
      const chunk = await readChunk(context, request);
      if (request.brakeMs > 0) brake.apply(request.shard, request.brakeMs);
      return chunk;
    }),
    unary(ShardTransferServiceService.freezeShard, async (request) => {
      checkGainer(machine.ownership, request);
      const { configNum, shard } = request;
      await brake.lift(shard);
      await freezeShard(context, { configNum, shard });
      return await readChunk(context, request);
    }),
    unary(ShardTransferServiceService.dropShard, async (request) => {
      checkGainer(machine.ownership, request);
      const { configNum, shard } = request;
      await dropShard(context, { configNum, shard });
      return {};
    }),
  ];
}

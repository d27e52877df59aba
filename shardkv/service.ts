/** Everything a replica of a shard group answers, beside Raft itself. */
import { ShardTransferServiceService } from "../proto/gen/shardkv.ts";
import { type ServiceRoutes, unary } from "../rpc/service.ts";
import { ClassicService, type ClassicServiceOptions } from "./classic_service.ts";
import { KvService } from "./kv_service.ts";
import { checkGainer, dropShard, readChunk, type ShardSourceContext } from "./shard_source.ts";

export function groupRoutes(options: ClassicServiceOptions): ServiceRoutes {
  return [
    ...new ClassicService(options).routes,
    ...new KvService(options).routes,
    ...transferRoutes(options),
  ];
}

/** What the groups call that have gained shards of this one. */
function transferRoutes(context: ShardSourceContext): ServiceRoutes {
  const { machine } = context;
  return [
    unary(ShardTransferServiceService.pullShard, async (request) => {
      checkGainer(machine.ownership, request);
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

/** The executable `shardkvserver`. */
import { runServer, type ServerProgram } from "../server/process.ts";
import { GroupReplica } from "./group_replica.ts";
import { parseServerFlags, type ReplicaSettings } from "./server_flags.ts";

const shardkvserver: ServerProgram<ReplicaSettings> = {
  name: "shardkvserver",
  parse: parseServerFlags,
  open: (settings, environment) =>
    GroupReplica.open({
      ...settings,
      ...environment,
      limits: { valueBytesMax: settings.valueBytesMax },
    }),
  describe: ({ gid, id }) => `ShardKV group ${gid} node ${id}`,
};

if (import.meta.main) Deno.exit(await runServer(shardkvserver, Deno.args));

/** The executable `shardctrlerserver`. */
import { runServer, type ServerProgram } from "../server/process.ts";
import { Controller } from "./controller.ts";
import { type ControllerSettings, parseServerFlags } from "./server_flags.ts";

const shardctrlerserver: ServerProgram<ControllerSettings> = {
  name: "shardctrlerserver",
  parse: parseServerFlags,
  open: (settings, environment) => Controller.open({ ...settings, ...environment }),
  describe: ({ id }) => `ShardCtrler server ${id}`,
};

if (import.meta.main) Deno.exit(await runServer(shardctrlerserver, Deno.args));

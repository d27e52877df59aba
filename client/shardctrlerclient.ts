/** The command line `shardctrlerclient`: a thin wrapper over {@linkcode CtrlerClerk}. */
import { parseAddressList } from "../rpc/address.ts";
import { KvError } from "../rpc/errors.ts";
import { GrpcDialer } from "../rpc/grpc/grpc_dialer.ts";
import type { Dialer } from "../rpc/service.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { boolFlag, choiceFlag, defineFlags, durationFlag, valueFlag } from "../runtime/flags.ts";
import { createPrng, type Prng, randomSeed } from "../runtime/prng.ts";
import type { Config } from "../shardctrler/configuration/config.ts";
import { runCheck } from "./cli/check_command.ts";
import { runCommandLine } from "./cli/cli_entry.ts";
import { EXIT_OK, EXIT_UNAVAILABLE, exitCodeOf } from "./cli/cli_exit.ts";
import { writeError, writeOut, writeOutWhileRead } from "./cli/cli_streams.ts";
import { explainUsage, UsageError } from "./cli/cli_usage.ts";
import { type CtrlerCommand, parseCommand, USAGE } from "./cli/ctrler_cli_args.ts";
import { configJson, configText, statusJson, statusText } from "./cli/ctrler_cli_output.ts";
import { errorJson } from "./cli/json_line.ts";
import { runMember } from "./cli/member_command.ts";
import { showMoves, watchMoves } from "./cli/moves_command.ts";
import { CtrlerClerk } from "./ctrler_clerk.ts";
import { checkServers } from "./join_check.ts";

/** What the program touches outside itself. */
export interface CliIo {
  readonly stdout: (text: string) => void;
  /** For what need not go on when nobody reads it any more. */
  readonly stdoutWhileRead: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Called once; what it gives is closed at the end. */
  readonly dialer: () => Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
}

const CLUSTER_DEFAULT = "127.0.0.1:50051,127.0.0.1:50052,127.0.0.1:50053";

const flags = defineFlags("shardctrlerclient", {
  cluster: valueFlag({
    default: parseAddressList(CLUSTER_DEFAULT),
    defaultText: `"${CLUSTER_DEFAULT}"`,
    placeholder: "addresses",
    help: "cluster addresses",
    parse: parseAddressList,
  }),
  timeout: durationFlag({ default: 30_000, min: 1, help: "give up after this long" }),
  o: choiceFlag({ default: "text", choices: ["text", "json"], help: "output format" }),
  force: boolFlag({
    help: "let leave take the last group out too, and join not ask the groups' servers",
  }),
  wait: boolFlag({ help: "after join, leave or move: wait until all shards have arrived" }),
  watch: boolFlag({ help: "let moves go on until no shard is on its way" }),
}, { trailer: USAGE, hasVersion: true });

interface Request {
  readonly command: CtrlerCommand;
  readonly controllers: readonly string[];
  readonly timeoutMs: number;
  readonly json: boolean;
  readonly force: boolean;
  readonly wait: boolean;
  readonly watch: boolean;
}

/**
 * Runs the program.
 *
 * @param args Words after the program's name
 * @returns The exit code: 0 done, 1 refused, failed or found a difference,
 *   2 wrong usage, 4 no answer in time
 */
export async function main(args: readonly string[], io: CliIo): Promise<number> {
  let request: Request;
  try {
    request = parseRequest(args);
  } catch (error) {
    return explainUsage(error, io);
  }
  const { controllers, timeoutMs } = request;
  const { clock, prng } = io;
  const dialer = io.dialer();
  const clerk = new CtrlerClerk({ controllers, dialer, clock, prng, timeoutMs });
  try {
    return await run(request, clerk, dialer, io);
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    io.stderr(request.json ? errorJson(error) : `${error.message}\n`);
    return exitCodeOf(error.code);
  } finally {
    clerk.close();
    await dialer.close();
  }
}

/** @throws {FlagError | HelpRequested | VersionRequested | UsageError} */
function parseRequest(args: readonly string[]): Request {
  const { values, rest } = flags.parse(args);
  const { cluster: controllers, timeout: timeoutMs, o: format, force, wait, watch } = values;
  const command = parseCommand(rest);
  if (force && !["join", "leave"].includes(command.kind)) {
    throw new UsageError(`Cannot use '-force' with ${command.kind}: join and leave take it`);
  }
  if (wait && !["join", "leave", "move"].includes(command.kind)) {
    throw new UsageError(`Cannot use '-wait' with ${command.kind}: join, leave and move take it`);
  }
  if (watch && command.kind !== "moves") {
    throw new UsageError(`Cannot use '-watch' with ${command.kind}: only moves takes it`);
  }
  return { command, controllers, timeoutMs, json: format === "json", force, wait, watch };
}

async function run(
  request: Request,
  clerk: CtrlerClerk,
  dialer: Dialer,
  io: CliIo,
): Promise<number> {
  const { command, json, force, wait, watch } = request;
  const watching = { ...request, clerk, dialer, clock: io.clock };
  const done = (config: Config, line: string): Promise<number> => {
    io.stdout(json ? configJson(config) : line);
    // What scripts read is the same with and without.
    return wait ? watchMoves({ ...watching, print: io.stderr }) : Promise.resolve(EXIT_OK);
  };
  switch (command.kind) {
    case "join": {
      const identities = force
        ? undefined
        : await checkServers(command.groups, { ...watching, print: io.stderr });
      return await done(await clerk.join(command.groups, { identities }), "Join OK\n");
    }
    case "leave":
      return await done(await clerk.leave(command.gids, { force }), "Leave OK\n");
    case "move":
      return await done(await clerk.move(command.shard, command.gid), "Move OK\n");
    case "query": {
      const config = await clerk.query(command.num);
      return await done(config, configText(config));
    }
    case "moves":
      return watch
        ? await watchMoves({ ...watching, print: io.stdoutWhileRead })
        : await showMoves({ ...watching, print: io.stdout });
    case "status":
      return await printStatus(request, clerk, io);
    case "check":
      return await runCheck(command.gids, { ...request, clerk, io, dialer });
    case "member":
      return await runMember(command, { ...request, clerk, io, dialer });
  }
}

async function printStatus(request: Request, clerk: CtrlerClerk, io: CliIo): Promise<number> {
  const controllers = await clerk.status();
  io.stdout(request.json ? statusJson(controllers) : statusText(controllers));
  for (const { address, error } of controllers) {
    if (error !== undefined) io.stderr(`${address} is offline: ${error.message}\n`);
  }
  const isAnyOnline = controllers.some(({ error }) => error === undefined);
  return isAnyOnline ? EXIT_OK : EXIT_UNAVAILABLE;
}

if (import.meta.main) {
  await runCommandLine(() =>
    main(Deno.args, {
      stdout: writeOut,
      stdoutWhileRead: writeOutWhileRead,
      stderr: writeError,
      dialer: () => new GrpcDialer({ endsWithProcess: true }),
      clock: systemClock,
      prng: createPrng(randomSeed()),
    })
  );
}

/** One server process: its command line, its database, its port, and the node between them. */
import { IdentityError } from "../raft/node/members/identity.ts";
import { GrpcDialer } from "../rpc/grpc/grpc_dialer.ts";
import { serveGrpc, tryAddress } from "../rpc/grpc/grpc_server.ts";
import type { Dialer, ServiceRoutes } from "../rpc/service.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { type HostProcess, thisProcess } from "../runtime/host_process.ts";
import { aborted, runProcess } from "../runtime/lifecycle.ts";
import { createLogger, type Logger } from "../runtime/logger.ts";
import { createPrng, type Prng, randomSeed } from "../runtime/prng.ts";
import { checkDenoVersion, VERSION } from "../runtime/version.ts";
import { type Engine, EngineError } from "../storage/engine.ts";
import { RocksdbEngine } from "../storage/rocksdb_engine.ts";
import type { ServerSettings } from "./flags.ts";
import { memoryTableBytes } from "./memory_tables.ts";

/** What a node stands on, and what every server tells it. */
export interface NodeEnvironment {
  /** Place in `members`, from 0. */
  readonly position: number;
  readonly engine: Engine;
  readonly dialer: Dialer;
  /** Connections of its own for what is passed on for others. */
  readonly forwardDialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  readonly raft: { readonly electionTicks: number };
  readonly version: string;
  readonly host: HostProcess;
  /** Called when the node cannot go on; the process ends. */
  readonly onFatal: (error: unknown) => void;
}

/** A node as its process sees it. */
export interface ServerNode {
  readonly routes: ServiceRoutes;
  stop(): Promise<void>;
}

/** What makes one executable differ from the other. */
export interface ServerProgram<Settings extends ServerSettings> {
  readonly name: string;
  /**
   * @throws {FlagError} When a flag makes no sense
   * @throws {HelpRequested} At `-h`
   * @throws {VersionRequested} At `-version`
   */
  parse(args: readonly string[]): Settings;
  /** Opens the node; rejects when its data cannot be used. */
  open(settings: Settings, environment: NodeEnvironment): Promise<ServerNode>;
  /** Who is listening, for the line that says so. */
  describe(settings: Settings): string;
}

/**
 * Runs a server until it is told to stop.
 *
 * @returns The exit code: 0 stopped in order, 1 failed, 2 wrong flags
 */
export async function runServer<Settings extends ServerSettings>(
  program: ServerProgram<Settings>,
  args: readonly string[],
): Promise<number> {
  let settings: Settings;
  try {
    checkDenoVersion();
    settings = program.parse(args);
  } catch (error) {
    return await runProcess(() => Promise.reject(error));
  }
  const { id, members, join, logLevel: level, logFormat: format, exitWithParent } = settings;
  const logger = createLogger({ name: program.name, level, format });
  const address = join ?? members[id];
  if (address === undefined) {
    // At level info, because eRaft's line has no level in it and scripts look for it.
    logger.info(`invalid id ${id}`);
    return 1;
  }
  return await runProcess(
    (signal) => serve(program, settings, settings.listen ?? address, logger, signal),
    { logger, exitWithParent },
  );
}

/** Serves until the signal aborts, then closes everything in order. */
async function serve<Settings extends ServerSettings>(
  program: ServerProgram<Settings>,
  settings: Settings,
  address: string,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  // A new directory is the node's for good once it is opened, with the address that is given here.
  await tryAddress(address);
  const engine = stack.adopt(
    await RocksdbEngine.open(settings.directory, {
      writeBufferSize: memoryTableBytes(settings.id),
    }),
    (engine) => engine.close(),
  );
  const openDialer = () => stack.adopt(new GrpcDialer(), (dialer) => dialer.close());
  const dialer = openDialer();
  const forwardDialer = openDialer();
  const prng = createPrng(randomSeed());
  const node = await openNode(program, settings, {
    position: settings.id,
    engine,
    dialer,
    forwardDialer,
    clock: systemClock,
    prng,
    logger,
    raft: { electionTicks: settings.electionTicks },
    version: VERSION,
    host: thisProcess(prng),
    onFatal: (error) => die(error, logger),
  });
  stack.defer(() => node.stop());
  const server = await serveGrpc({ address, routes: node.routes, logger });
  stack.defer(() => server.close());
  logger.info(`${program.describe(settings)} listening on ${server.address}`);
  await aborted(signal);
  // Calls that wait for the log fail at once: closing the port need not wait for them.
  await node.stop();
}

/** @throws {Error} That names the directory when its data is not this node's or cannot be read */
async function openNode<Settings extends ServerSettings>(
  program: ServerProgram<Settings>,
  settings: Settings,
  environment: NodeEnvironment,
): Promise<ServerNode> {
  try {
    return await program.open(settings, environment);
  } catch (error) {
    if (!(error instanceof IdentityError) && !(error instanceof EngineError)) throw error;
    const reason = error.message.charAt(0).toLowerCase() + error.message.slice(1);
    throw new Error(`Cannot start from '${settings.directory}': ${reason}`, { cause: error });
  }
}

/** Never limps on: what is on disk is sound, what is in memory may not be. */
function die(error: unknown, logger: Logger): never {
  logger.error(error instanceof Error ? error.message : String(error));
  Deno.exit(1);
}

/** One replica of a group as a server: its database, its port, and the node between them. */
import { GrpcDialer } from "../rpc/grpc_dialer.ts";
import { serveGrpc } from "../rpc/grpc_server.ts";
import { systemClock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { createPrng, randomSeed } from "../runtime/prng.ts";
import { VERSION } from "../runtime/version.ts";
import { RocksdbEngine } from "../storage/rocksdb_engine.ts";
import { GroupReplica } from "./node.ts";
import type { ServerSettings } from "./server_flags.ts";

export interface ServeOptions {
  readonly settings: ServerSettings;
  readonly logger: Logger;
  /** Ends the server. */
  readonly signal: AbortSignal;
  /** Called when the server cannot go on; the process must end. */
  readonly onFatal: (error: unknown) => void;
}

/**
 * Serves until the signal aborts, then closes everything in order.
 *
 * @throws {Error} "invalid id N" for a place that is not in the cluster
 * @throws {EngineError | IdentityError} When the database cannot be used
 * @throws {Error} When the address cannot be bound
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { settings, logger, signal, onFatal } = options;
  const { id, gid, members, directory, electionTicks, valueBytesMax } = settings;
  const address = members[id];
  if (address === undefined) throw new Error(invalidId(id));
  await using stack = new AsyncDisposableStack();
  const engine = stack.adopt(await RocksdbEngine.open(directory), (engine) => engine.close());
  const dialer = stack.adopt(new GrpcDialer(), (dialer) => dialer.close());
  const replica = await GroupReplica.open({
    ...settings,
    position: id,
    engine,
    dialer,
    clock: systemClock,
    prng: createPrng(randomSeed()),
    logger,
    raft: { electionTicks },
    limits: { valueBytesMax },
    version: VERSION,
    onFatal,
  });
  stack.defer(() => replica.stop());
  const server = await serveGrpc({
    address: settings.listen ?? address,
    routes: replica.routes,
    logger,
  });
  stack.defer(() => server.close());
  logger.info(`ShardKV group ${gid} node ${id} listening on ${server.address}`);
  await aborted(signal);
  // Calls that wait for the log fail at once: closing the port need not wait for them.
  await replica.stop();
}

/** In eRaft's words, which start-up scripts look for. */
function invalidId(id: number): string {
  return `invalid id ${id}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

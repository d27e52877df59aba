/** One controller as a server: its database, its port, and the node between them. */
import { GrpcDialer } from "../rpc/grpc_dialer.ts";
import { serveGrpc } from "../rpc/grpc_server.ts";
import { systemClock } from "../runtime/clock.ts";
import { invariant } from "../runtime/invariant.ts";
import type { Logger } from "../runtime/logger.ts";
import { createPrng, randomSeed } from "../runtime/prng.ts";
import { VERSION } from "../runtime/version.ts";
import { RocksdbEngine } from "../storage/rocksdb_engine.ts";
import { Controller } from "./node.ts";
import type { ServerSettings } from "./server_flags.ts";

export interface ServeOptions {
  /** The id must be a place in the cluster. */
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
 * @throws {EngineError | IdentityError} When the database cannot be used
 * @throws {Error} When the address cannot be bound
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { settings, logger, signal, onFatal } = options;
  const { id, members, directory, electionTicks } = settings;
  const address = members[id];
  invariant(address !== undefined, () => `Controller ${id} is not in the cluster`);
  await using stack = new AsyncDisposableStack();
  const engine = stack.adopt(await RocksdbEngine.open(directory), (engine) => engine.close());
  const dialer = stack.adopt(new GrpcDialer(), (dialer) => dialer.close());
  const controller = await Controller.open({
    ...settings,
    position: id,
    engine,
    dialer,
    clock: systemClock,
    prng: createPrng(randomSeed()),
    logger,
    raft: { electionTicks },
    version: VERSION,
    onFatal,
  });
  stack.defer(() => controller.stop());
  const server = await serveGrpc({
    address: settings.listen ?? address,
    routes: controller.routes,
    logger,
  });
  stack.defer(() => server.close());
  logger.info(`ShardCtrler server ${id} listening on ${server.address}`);
  await aborted(signal);
  // Calls that wait for the log fail at once: closing the port need not wait for them.
  await controller.stop();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

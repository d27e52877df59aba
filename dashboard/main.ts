/** The executable `dashboard-server`. */
import { CtrlerClerk } from "../client/ctrler_clerk.ts";
import { KvClerk } from "../client/kv_clerk.ts";
import { GrpcDialer } from "../rpc/grpc/grpc_dialer.ts";
import { systemClock } from "../runtime/clock.ts";
import { aborted, runProcess } from "../runtime/lifecycle.ts";
import { createLogger, type Logger } from "../runtime/logger.ts";
import { createPrng, randomId, randomSeed } from "../runtime/prng.ts";
import { checkDenoVersion } from "../runtime/version.ts";
import { Collector } from "./collector.ts";
import { assets } from "./gen/assets.ts";
import { ActionDesk } from "./http/actions.ts";
import { AdminGuard } from "./http/admin_guard.ts";
import { AssetShelf } from "./http/asset_shelf.ts";
import { EventHub } from "./http/event_hub.ts";
import { createHandler } from "./http/handler.ts";
import { KeyBrowser } from "./http/keys.ts";
import { isLoopback } from "./http/request_guard.ts";
import { type DashboardSettings, parseSettings, tokenProblem } from "./settings.ts";
import { serveHttp } from "./web_server.ts";

/** Returns the exit code: 0 stopped in order, 1 failed, 2 wrong flags. */
async function main(args: readonly string[]): Promise<number> {
  let settings: DashboardSettings;
  try {
    checkDenoVersion();
    settings = parseSettings(args);
  } catch (error) {
    return await runProcess(() => Promise.reject(error));
  }
  const { logLevel: level, logFormat: format, exitWithParent } = settings;
  const logger = createLogger({ name: "dashboard-server", level, format });
  return await runProcess((signal) => serve(settings, logger, signal), { logger, exitWithParent });
}

/** Serves until the signal aborts, then closes everything in order. */
async function serve(
  settings: DashboardSettings,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { listen, port } = settings;
  if (settings.namesGroups) {
    logger.warn("-shard-groups is ignored: the controllers know the groups");
  }
  const guard = new AdminGuard({ token: await adminToken(settings), clock: systemClock });
  await using stack = new AsyncDisposableStack();
  const { collector, hub, handler } = assemble(settings, logger, guard, stack);
  const server = serveHttp({ host: listen, port, handler, clock: systemClock });
  collector.start();
  if (!isLoopback(listen)) {
    logger.warn("Everybody who reaches this address can read all keys: no password is asked for");
  }
  logger.info(`Dashboard listening on ${server.url}`);
  await aborted(signal);
  hub.close();
  await server.close();
}

/**
 * Puts together what watches the cluster and what answers browsers.
 *
 * @param stack Closes all of it, the last part first
 */
function assemble(
  settings: DashboardSettings,
  logger: Logger,
  guard: AdminGuard,
  stack: AsyncDisposableStack,
) {
  const { controllers, updateIntervalMs, listen } = settings;
  const dialer = stack.adopt(new GrpcDialer(), (dialer) => dialer.close());
  const prng = createPrng(randomSeed());
  const shared = { controllers, dialer, clock: systemClock, prng, logger };
  const clerk = stack.adopt(new CtrlerClerk(shared), (clerk) => clerk.close());
  const kvClerk = stack.adopt(new KvClerk(shared), (clerk) => clerk.close());
  const hub = stack.adopt(
    new EventHub({ clock: systemClock, epoch: randomId(prng) }),
    (hub) => hub.close(),
  );
  const collector = stack.adopt(
    new Collector({ ...shared, updateIntervalMs, onState: (state) => hub.publish(state) }),
    (collector) => collector.stop(),
  );
  const handler = createHandler({
    cluster: collector,
    hub,
    keys: new KeyBrowser({ clerk: kvClerk, config: () => collector.config }),
    desk: new ActionDesk({
      ...shared,
      clerk,
      state: () => collector.state,
      onChanged: () => collector.wake(),
    }),
    guard,
    assets: new AssetShelf(assets),
    isLocal: isLoopback(listen),
    onError: (error) => logger.error("Cannot answer a request", { error }),
  });
  return { collector, hub, handler };
}

/** @throws {Error} When the file cannot be read or holds no token; the token itself is not told */
async function adminToken(settings: DashboardSettings): Promise<string | undefined> {
  const { adminToken, adminTokenFile: file } = settings;
  if (file === undefined) return adminToken;
  let token: string;
  try {
    token = (await Deno.readTextFile(file)).trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot read the admin token from '${file}': ${why}`, { cause });
  }
  const problem = tokenProblem(token);
  if (problem === undefined) return token;
  throw new Error(`Cannot use the admin token in '${file}': ${problem}`);
}

if (import.meta.main) Deno.exit(await main(Deno.args));

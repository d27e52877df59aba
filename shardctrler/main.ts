/** The executable `shardctrlerserver`. */
import { runProcess } from "../runtime/lifecycle.ts";
import { createLogger, type Logger } from "../runtime/logger.ts";
import { checkDenoVersion } from "../runtime/version.ts";
import { serve } from "./serve.ts";
import { parseServerFlags, type ServerSettings } from "./server_flags.ts";

/**
 * Runs the server until it is told to stop.
 *
 * @returns The exit code: 0 stopped in order, 1 failed, 2 wrong flags
 */
async function main(args: readonly string[]): Promise<number> {
  let settings: ServerSettings;
  try {
    checkDenoVersion();
    settings = parseServerFlags(args);
  } catch (error) {
    return await runProcess(() => Promise.reject(error));
  }
  const { logLevel: level, logFormat: format, exitWithParent } = settings;
  const logger = createLogger({ name: "shardctrlerserver", level, format });
  if (settings.members[settings.id] === undefined) {
    logger.error(`invalid id ${settings.id}`);
    return 1;
  }
  const onFatal = (error: unknown) => die(error, logger);
  return await runProcess(
    (signal) => serve({ settings, logger, signal, onFatal }),
    { logger, exitWithParent },
  );
}

/** Never limps on: what is on disk is sound, what is in memory may not be. */
function die(error: unknown, logger: Logger): never {
  logger.error(error instanceof Error ? error.message : String(error));
  Deno.exit(1);
}

if (import.meta.main) Deno.exit(await main(Deno.args));

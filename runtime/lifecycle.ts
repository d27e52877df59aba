/** A process from its first line to its exit code: signals, last errors, an orderly end. */
import { type Clock, systemClock, type Timer } from "./clock.ts";
import { FlagError, HelpRequested, VersionRequested } from "./flags.ts";
import { createLogger, type Logger } from "./logger.ts";

export interface RunProcessOptions {
  readonly logger?: Logger;
  /**
   * Shut down when standard input closes. A parent that gives its children a
   * pipe for it takes them along even when it is killed.
   */
  readonly exitWithParent?: boolean;
  /** Milliseconds `main` has to return once it was asked to. Default 15,000. */
  readonly shutdownMsMax?: number;
  /** Milliseconds after the first signal within which others are taken for the same wish. Default 1,000. */
  readonly sameWishMs?: number;
  readonly clock?: Clock;
}

/** Long enough for every grace inside a server, short enough not to be killed by an init system. */
const SHUTDOWN_MS_MAX_DEFAULT = 15_000;

/** npx and the task runner pass a Ctrl-C on that the terminal has sent to all of them already. */
const SAME_WISH_MS_DEFAULT = 1_000;

/** What a shell reports for a process ended by the signal. */
const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

type StopSignal = keyof typeof SIGNAL_EXIT_CODES;

/**
 * Runs `main` and tells how it went. The first SIGINT or SIGTERM aborts the
 * signal handed to `main`; another one, a second later or more, ends the process
 * on the spot, and so does an error that nobody caught.
 *
 * ```ts
 * import { runProcess } from "./lifecycle.ts";
 *
 * async function serve(shutdown: AbortSignal): Promise<void> {
 *   await new Promise((resolve) => shutdown.addEventListener("abort", resolve));
 * }
 * if (import.meta.main) Deno.exit(await runProcess(serve));
 * ```
 *
 * @param main Returns the exit code, or nothing for 0
 * @returns The exit code: 1 and one line on stderr when `main` fails, 2 when its flags are wrong
 */
export async function runProcess(
  main: (shutdown: AbortSignal) => Promise<number | void>,
  options: RunProcessOptions = {},
): Promise<number> {
  const logger = options.logger ?? createLogger({ name: "process" });
  const shutdown = new ShutdownRequest(logger, options);
  const stopWatching = [
    watchSignals(shutdown),
    watchLastErrors(logger),
    options.exitWithParent ? watchStdin(shutdown) : () => {},
  ];
  try {
    return (await main(shutdown.signal)) ?? 0;
  } catch (error) {
    return explain(error, logger);
  } finally {
    shutdown.settle();
    for (const stop of stopWatching) stop();
  }
}

/** Resolves once the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Asks `main` to end, once, and sees to it that it does. */
class ShutdownRequest {
  readonly #logger: Logger;
  readonly #options: RunProcessOptions;
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  #askedAtMs = 0;
  #timer: Timer | undefined;

  constructor(logger: Logger, options: RunProcessOptions) {
    this.#logger = logger;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** @returns False when it was asked before, and this is not the same wish arriving again */
  ask(why: string): boolean {
    const { sameWishMs = SAME_WISH_MS_DEFAULT } = this.#options;
    if (this.signal.aborted) return this.#clock.now() - this.#askedAtMs < sameWishMs;
    this.#askedAtMs = this.#clock.now();
    this.#logger.info(`Shutting down: ${why}`);
    const { shutdownMsMax = SHUTDOWN_MS_MAX_DEFAULT } = this.#options;
    this.#timer = this.#clock.setTimer(() => {
      this.#logger.error(`Cannot shut down in order: it took longer than ${shutdownMsMax} ms`);
      Deno.exit(1);
    }, shutdownMsMax);
    this.#controller.abort(new DOMException(why, "AbortError"));
    return true;
  }

  settle(): void {
    this.#timer?.cancel();
  }
}

function watchSignals(shutdown: ShutdownRequest): () => void {
  const stops = (["SIGINT", "SIGTERM"] as const).map((signal: StopSignal) => {
    const onSignal = () => {
      if (!shutdown.ask(`received ${signal}`)) Deno.exit(SIGNAL_EXIT_CODES[signal]);
    };
    Deno.addSignalListener(signal, onSignal);
    return () => Deno.removeSignalListener(signal, onSignal);
  });
  return () => stops.forEach((stop) => stop());
}

/** An error that reached nobody is a bug: the state behind it cannot be trusted any more. */
function watchLastErrors(logger: Logger): () => void {
  const die = (error: unknown) => {
    logger.error("Died of an error that nobody caught", { error });
    Deno.exit(1);
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    die(event.error ?? event.message);
  };
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    die(event.reason);
  };
  addEventListener("error", onError);
  addEventListener("unhandledrejection", onRejection);
  return () => {
    removeEventListener("error", onError);
    removeEventListener("unhandledrejection", onRejection);
  };
}

function watchStdin(shutdown: ShutdownRequest): () => void {
  const reader = Deno.stdin.readable.getReader();
  const untilEnd = async () => {
    while (!(await reader.read()).done);
  };
  const onEnd = () => void shutdown.ask("standard input was closed");
  untilEnd().then(onEnd, onEnd);
  return () => void reader.cancel().catch(() => {});
}

/** Says what went wrong on standard error and turns it into an exit code. */
function explain(error: unknown, logger: Logger): number {
  if (error instanceof VersionRequested) {
    Deno.stdout.writeSync(new TextEncoder().encode(error.text));
    return error.exitCode;
  }
  if (error instanceof FlagError || error instanceof HelpRequested) {
    Deno.stderr.writeSync(new TextEncoder().encode(error.text));
    return error.exitCode;
  }
  logger.error(error instanceof Error ? error.message : String(error), causeOf(error));
  return 1;
}

function causeOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error) || error.cause === undefined) return {};
  const { cause } = error;
  const isTold = cause instanceof Error &&
    error.message.toLowerCase().includes(cause.message.toLowerCase());
  if (isTold) return {};
  return { cause: cause instanceof Error ? `${cause.name}: ${cause.message}` : cause };
}

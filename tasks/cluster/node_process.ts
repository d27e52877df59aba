/** One server process: started, followed, stopped, never left behind. */
import { deadline } from "./deadline.ts";
import { readLines } from "./read_lines.ts";

export interface NodeProcessOptions {
  readonly label: string;
  /** What to run; the Deno executable by default. */
  readonly command?: string;
  readonly args: readonly string[];
  /** Working directory; that of this process by default. */
  readonly cwd?: string;
  /** Called with every line the process prints. */
  readonly onLine?: (line: string) => void;
}

/** What the ready line of both servers has in common. */
const READY = / listening on /;
/** Lines kept to explain a process that ended. */
const LAST_LINES_MAX = 20;

/** The process ended before it was ready, or was not ready in time. */
export class NotReadyError extends Error {
  override readonly name = "NotReadyError";
}

export class NodeProcess {
  readonly label: string;
  /** Resolves when the process has ended and everything it printed was seen. */
  readonly ended: Promise<Deno.CommandStatus>;
  #child: Deno.ChildProcess;
  #ready = Promise.withResolvers<void>();
  #lastLines: string[] = [];
  #status: Deno.CommandStatus | undefined;
  #wasReady = false;
  #onLine: (line: string) => void;

  /** Starts the process. */
  constructor(options: NodeProcessOptions) {
    this.label = options.label;
    this.#onLine = options.onLine ?? (() => {});
    this.#child = new Deno.Command(options.command ?? Deno.execPath(), {
      args: [...options.args],
      ...(options.cwd !== undefined && { cwd: options.cwd }),
      // Its end of file tells the server that this process is gone, however it went.
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // A group of its own: Ctrl-C reaches this process only, which then stops the servers once.
      detached: true,
    }).spawn();
    this.#ready.promise.catch(() => {});
    this.ended = this.#follow();
  }

  get pid(): number {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#status === undefined;
  }

  /** True once it has said that it listens, and ever after. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  /** The last lines it printed, oldest first. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  /**
   * Waits until the server says that it listens.
   *
   * @throws {NotReadyError} When it ends before, or `timeoutMs` pass
   */
  async ready(timeoutMs: number): Promise<void> {
    const inTime = await deadline(this.#ready.promise.then(() => true), timeoutMs, false);
    if (!inTime) throw new NotReadyError(this.#explain(`did not listen within ${timeoutMs} ms`));
  }

  /** Sends a signal; does nothing once the process has ended. */
  kill(signal: Deno.Signal): void {
    if (!this.running) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It ended between the check and the call.
      if (!(error instanceof Deno.errors.NotFound) && !(error instanceof TypeError)) throw error;
    }
  }

  /**
   * Asks the process to stop, and kills it when it has not within `graceMs`.
   *
   * @returns True if it went by itself
   */
  async stop(graceMs: number): Promise<boolean> {
    this.kill("SIGTERM");
    const graceful = await deadline(this.ended.then(() => true), graceMs, false);
    if (!graceful) {
      this.kill("SIGKILL");
      await this.ended;
    }
    return graceful;
  }

  async #follow(): Promise<Deno.CommandStatus> {
    const [status] = await Promise.all([
      this.#child.status,
      this.#followStream(this.#child.stdout),
      this.#followStream(this.#child.stderr),
    ]);
    this.#status = status;
    await this.#child.stdin.close().catch(() => {});
    const how = status.signal === null ? `with code ${status.code}` : `by ${status.signal}`;
    this.#ready.reject(new NotReadyError(this.#explain(`ended ${how} before it was ready`)));
    return status;
  }

  async #followStream(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const line of readLines(stream)) {
      this.#lastLines.push(line);
      if (this.#lastLines.length > LAST_LINES_MAX) this.#lastLines.shift();
      if (READY.test(line)) this.#becomeReady();
      this.#onLine(line);
    }
  }

  #becomeReady(): void {
    this.#wasReady = true;
    this.#ready.resolve();
  }

  #explain(what: string): string {
    const said = this.#lastLines.map((line) => `\n  ${line}`).join("");
    return `Node ${this.label} ${what}${said === "" ? "" : `; it said:${said}`}`;
  }
}

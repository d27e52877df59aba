/** The process that drives one contender, as the task sees it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { PROJECT_ROOT } from "../../cluster/server_command.ts";
import { v8FlagsOf } from "../../v8_flags.ts";
import type { Sample } from "../measurement.ts";
import type { SystemOptions } from "../system.ts";
import type { DriverOptions, Report, Turn } from "./driver.ts";
import type { Contender } from "./options.ts";

/** A contender did not come up, or its process ended. The driver has told why. */
export class ContenderError extends Error {
  override readonly name = "ContenderError";
}

/** Where a checkout has the program that drives its systems. */
const DRIVER = "tasks/bench/turns/driver.ts";

export class ContenderProcess implements AsyncDisposable {
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #input: Writable;
  readonly #lines: AsyncIterator<string>;

  constructor(name: string, process: ChildProcess, input: Writable, output: Readable) {
    this.#name = name;
    this.#process = process;
    this.#input = input;
    this.#lines = createInterface({ input: output })[Symbol.asyncIterator]();
    // A driver that has ended takes no more orders: its output ends too, which is reported.
    input.on("error", () => {});
  }

  /**
   * Starts the contender's system and loads its keys.
   *
   * @throws {ContenderError} When it does not come up
   */
  static async start(contender: Contender, options: SystemOptions): Promise<ContenderProcess> {
    const { name, system, checkout = PROJECT_ROOT, v8Flags } = contender;
    if (!await exists(`${checkout}/${DRIVER}`)) {
      throw new ContenderError(
        `Cannot start ${name}: '${checkout}' has no ${DRIVER}, which came with bench:turns`,
      );
    }
    const argument: DriverOptions = { ...options, system };
    const process = spawn(
      Deno.execPath(),
      ["run", v8FlagsOf(DRIVER), "-A", "--quiet", DRIVER, JSON.stringify(argument)],
      {
        cwd: checkout,
        stdio: ["pipe", "pipe", "inherit"],
        env: { ...Deno.env.toObject(), ...(v8Flags && { DENO_V8_FLAGS: v8Flags }) },
      },
    );
    await once(process, "spawn");
    const { stdin, stdout } = process;
    if (stdin === null || stdout === null) throw new ContenderError(`Cannot reach ${name}`);
    const started = new ContenderProcess(name, process, stdin, stdout);
    try {
      await started.#report();
    } catch (error) {
      // Its output may end before the process does, which is not to be left behind.
      await started[Symbol.asyncDispose]();
      throw error;
    }
    return started;
  }

  /**
   * Has it take a turn.
   *
   * @throws {ContenderError} When its process has ended
   */
  async take(turn: Turn): Promise<Sample> {
    this.#input.write(`${JSON.stringify(turn)}\n`);
    const report = await this.#report();
    if (!("sample" in report)) throw new ContenderError(`${this.#name} gave no sample`);
    return report.sample;
  }

  /** Ends its system, and waits for that. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#input.end();
    await ended;
  }

  async #report(): Promise<Report> {
    const line = await this.#lines.next();
    if (line.done) throw new ContenderError(`Contender ${this.#name} has ended`);
    return JSON.parse(line.value) as Report;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

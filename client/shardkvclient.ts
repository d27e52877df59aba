/** The command line `shardkvclient`: a thin wrapper over {@linkcode KvClerk}. */
import { KvError } from "../rpc/errors.ts";
import { benchCommand } from "./bench/bench_command.ts";
import { RecordError } from "./bench/bench_record.ts";
import { runCommandLine } from "./cli/cli_entry.ts";
import {
  EXIT_ERROR,
  EXIT_NOT_FOUND,
  EXIT_OK,
  EXIT_UNAVAILABLE,
  EXIT_USAGE,
  exitCodeOf,
} from "./cli/cli_exit.ts";
import { explainUsage } from "./cli/cli_usage.ts";
import { errorJson, jsonLine } from "./cli/json_line.ts";
import {
  type KvCommand,
  type KvRequest,
  type OutputFormat,
  parseRequest,
} from "./cli/kv_cli_args.ts";
import { type KvCliIo, processIo } from "./cli/kv_cli_io.ts";
import { jsonData, shownData, statusJson, statusText } from "./cli/kv_cli_output.ts";
import { KvClerk, type ScanEntry } from "./kv_clerk.ts";

/**
 * Runs the program.
 *
 * @param args Words after the program's name
 * @returns The exit code: 0 done, 1 refused or failed, 2 wrong usage, 3 no such
 *   key, 4 no answer in time, 130 interrupted
 */
export async function main(args: readonly string[], io: KvCliIo): Promise<number> {
  let request: KvRequest;
  try {
    request = parseRequest(args);
  } catch (error) {
    return explainUsage(error, io);
  }
  const { controllers, timeoutMs, strict } = request;
  const { clock, prng, source } = io;
  const dialer = io.dialer();
  const clerk = new KvClerk({
    controllers,
    dialer,
    clock,
    prng,
    timeoutMs,
    source,
    ownsDialer: true,
  });
  try {
    const code = await run(request, clerk, io);
    return strict ? EXIT_OK : code;
  } catch (error) {
    const code = explainError(error, request, io);
    return strict ? EXIT_OK : code;
  } finally {
    await clerk.close();
  }
}

function explainError(error: unknown, request: KvRequest, io: KvCliIo): number {
  if (error instanceof KvError) {
    io.stderr(request.format === "json" ? errorJson(error) : `${error.message}\n`);
    return exitCodeOf(error.code);
  }
  if (error instanceof RangeError || error instanceof RecordError) {
    io.stderr(`${error.message}\n`);
    return error instanceof RangeError ? EXIT_USAGE : EXIT_ERROR;
  }
  throw error;
}

async function run(request: KvRequest, clerk: KvClerk, io: KvCliIo): Promise<number> {
  const { command, format } = request;
  const done = (line: string): number => {
    io.stdout(format === "json" ? jsonLine({ ok: true }) : line);
    return EXIT_OK;
  };
  switch (command.kind) {
    case "get":
      return await get(command.key, request, clerk, io);
    case "put":
      await clerk.put(command.key, command.value);
      return done("Put OK\n");
    case "append":
      await clerk.append(command.key, command.value);
      return done("Append OK\n");
    case "delete":
      if (await clerk.delete(command.key)) return done("Delete OK\n");
      return notFound(command.key, request, io);
    case "cas":
      return await cas(command, request, clerk, io, done);
    case "scan":
      return await scan(command, request, clerk, io);
    case "status":
      return await status(request, clerk, io);
    case "bench":
      return await benchCommand(command, clerk, io, {
        format: format === "json" ? "json" : "text",
        strict: request.strict,
      });
  }
}

async function get(key: string, request: KvRequest, clerk: KvClerk, io: KvCliIo): Promise<number> {
  const value = await clerk.get(key);
  if (value === undefined) {
    // eRaft's empty line.
    if (request.format === "text") io.stdout("\n");
    return notFound(key, request, io);
  }
  switch (request.format) {
    case "text":
      io.stdout(`${shownData(value)}\n`);
      break;
    case "raw":
      io.stdout(value);
      break;
    case "json":
      io.stdout(jsonLine({ found: true, key, value: jsonData(value) }));
  }
  return EXIT_OK;
}

function notFound(key: string, request: KvRequest, io: KvCliIo): number {
  if (request.format === "json") io.stdout(jsonLine({ found: false, key }));
  else if (!request.strict) io.stderr(`There is no key "${key}"\n`);
  return EXIT_NOT_FOUND;
}

async function cas(
  { key, expected, value }: Extract<KvCommand, { kind: "cas" }>,
  request: KvRequest,
  clerk: KvClerk,
  io: KvCliIo,
  done: (line: string) => number,
): Promise<number> {
  const { swapped, current } = await clerk.cas(key, { expected, value });
  if (swapped) return done("Cas OK\n");
  if (current === undefined) return notFound(key, request, io);
  if (request.format === "json") {
    io.stdout(jsonLine({ ok: false, key, current: jsonData(current) }));
  } else io.stderr(`Not swapped: "${key}" holds ${JSON.stringify(jsonData(current))}\n`);
  return EXIT_ERROR;
}

async function scan(
  { prefix, limit, keysOnly }: Extract<KvCommand, { kind: "scan" }>,
  { format }: KvRequest,
  clerk: KvClerk,
  io: KvCliIo,
): Promise<number> {
  const lines = new Lines(io.stdoutWhileRead);
  try {
    for await (const entry of clerk.scan({ prefix, limit, keysOnly })) {
      lines.add(scanLine(entry, format, keysOnly));
    }
  } finally {
    // A failure is told by the exit code, also to those who do not read on.
    lines.flush(io.stdout);
  }
  return EXIT_OK;
}

function scanLine({ key, value }: ScanEntry, format: OutputFormat, keysOnly: boolean): Buffer {
  switch (format) {
    case "json": {
      const shown = keysOnly ? {} : { value: jsonData(value) };
      return Buffer.from(jsonLine({ key: jsonData(key), ...shown }));
    }
    case "raw":
      return Buffer.concat(keysOnly ? [key, NEWLINE] : [key, TAB, value, NEWLINE]);
    case "text":
      return Buffer.from(
        keysOnly ? `${shownData(key)}\n` : `${shownData(key)}\t${shownData(value)}\n`,
      );
  }
}

const TAB = Buffer.from("\t");
const NEWLINE = Buffer.from("\n");

/** Writes many lines at once: a million of them would be as many calls to the system. */
class Lines {
  readonly #out: KvCliIo["stdout"];
  #waiting: Buffer[] = [];
  #bytes = 0;

  constructor(out: KvCliIo["stdout"]) {
    this.#out = out;
  }

  add(line: Buffer): void {
    this.#waiting.push(line);
    this.#bytes += line.length;
    if (this.#bytes >= LINES_BYTES_MAX) this.flush();
  }

  flush(out = this.#out): void {
    if (this.#bytes > 0) out(Buffer.concat(this.#waiting));
    this.#waiting = [];
    this.#bytes = 0;
  }
}

/** Bytes of lines that wait to be written together. */
const LINES_BYTES_MAX = 65_536;

async function status({ format }: KvRequest, clerk: KvClerk, io: KvCliIo): Promise<number> {
  const nodes = await clerk.status();
  io.stdout(format === "json" ? statusJson(nodes) : statusText(nodes));
  for (const { address, error } of nodes) {
    if (error !== undefined) io.stderr(`${address} is offline: ${error.message}\n`);
  }
  const areAllOffline = nodes.length > 0 && nodes.every(({ role }) => role === "Offline");
  return areAllOffline ? EXIT_UNAVAILABLE : EXIT_OK;
}

if (import.meta.main) await runCommandLine(() => main(Deno.args, processIo()));

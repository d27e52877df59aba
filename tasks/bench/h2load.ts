/** The load tool `h2load` (Debian: nghttp2-client) as a client of gRPC servers. */
import { Histogram } from "../../runtime/histogram.ts";
import type { Drive } from "./system.ts";

/** A unary method, and a request that is sent again and again. */
export interface UnaryTarget {
  /** host:port */
  readonly address: string;
  /** Such as `/etcdserverpb.KV/Put`. */
  readonly path: string;
  /** The encoded message. */
  readonly message: Uint8Array;
}

export interface LoadShape {
  /** Requests in flight, all on one connection: what a gRPC client does. */
  readonly callers: number;
  readonly durationMs: number;
}

/** The load tool is missing, or it says that requests failed. */
export class LoadError extends Error {
  override readonly name = "LoadError";
}

/**
 * Sends requests for a while.
 *
 * @throws {LoadError} When a request failed, or an answer is no message of an executed call
 */
export async function runH2load(target: UnaryTarget, shape: LoadShape): Promise<Drive> {
  const directory = await Deno.makeTempDir({ prefix: "h2load_" });
  try {
    const body = `${directory}/body`;
    const log = `${directory}/log`;
    await Deno.writeFile(body, grpcFrame(target.message));
    const output = await run(argumentsOf(target, shape, body, log));
    checkOutput(output);
    return summarize(await Deno.readTextFile(log), shape);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** A message as gRPC sends it: not compressed, its length, its bytes. */
export function grpcFrame(message: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

function argumentsOf(
  { address, path }: UnaryTarget,
  { callers, durationMs }: LoadShape,
  body: string,
  log: string,
): string[] {
  return [
    ...["--duration", `${durationMs}ms`, "--clients", "1", "--threads", "1"],
    ...["--max-concurrent-streams", String(callers), "--data", body, "--log-file", log],
    ...["--header", "content-type: application/grpc", "--header", "te: trailers"],
    `http://${address}${path}`,
  ];
}

async function run(args: string[]): Promise<string> {
  try {
    const { stdout, stderr, success } = await new Deno.Command("h2load", { args }).output();
    const text = new TextDecoder().decode(stdout);
    if (success) return text;
    throw new LoadError(`Cannot make load: h2load said ${new TextDecoder().decode(stderr)}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new LoadError("Cannot find h2load: it comes with the Debian package nghttp2-client", {
      cause: error,
    });
  }
}

/**
 * h2load counts what HTTP says, and a failed gRPC call is a success to HTTP: it
 * shows by the message that is missing from its answer.
 */
export function checkOutput(output: string): void {
  const [, done = 0, failed = 0, errored = 0] =
    /(\d+) done, \d+ succeeded, (\d+) failed, (\d+) errored/.exec(output)?.map(Number) ?? [];
  const bytes = Number(/\((\d+)\) data/.exec(output)?.[1] ?? 0);
  if (done > 0 && failed === 0 && errored === 0 && bytes >= done * ANSWER_BYTES_MIN) return;
  throw new LoadError(
    `Cannot count these requests: of ${done}, ${failed + errored} failed, and the answers had ` +
      `${bytes} bytes; every answer must have ${ANSWER_BYTES_MIN} at least`,
  );
}

/** A frame's head and at least two fields; a failed call has not one byte. */
const ANSWER_BYTES_MIN = 9;

/** From h2load's log: start in microseconds since the epoch, status, microseconds it took. */
export function summarize(log: string, { durationMs }: LoadShape): Drive {
  const us = new Histogram();
  for (const line of log.split("\n")) {
    const took = line.split("\t")[2];
    if (took !== undefined) us.record(Number(took));
  }
  return {
    requests: us.count,
    seconds: durationMs / 1_000,
    p50Ms: us.percentile(50) / 1_000,
    p99Ms: us.percentile(99) / 1_000,
  };
}

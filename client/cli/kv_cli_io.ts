/** What `shardkvclient` touches outside itself. */
import { GrpcDialer } from "../../rpc/grpc/grpc_dialer.ts";
import type { Dialer } from "../../rpc/service.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { createPrng, type Prng, randomSeed } from "../../runtime/prng.ts";
import type { ConfigSource } from "../calls/routing.ts";
import { writeAll, writeError, writeOut, writeOutWhileRead } from "./cli_streams.ts";

/** A file that only grows. */
export interface AppendFile {
  append(text: string): void;
  close(): void;
}

export interface KvCliIo {
  /** Data; bytes as they are. */
  readonly stdout: (data: string | Uint8Array) => void;
  /** Data of a command that need not go on when nobody reads them any more. */
  readonly stdoutWhileRead: (data: string | Uint8Array) => void;
  /** Messages. */
  readonly stderr: (text: string) => void;
  /** Somebody watches: both outputs go to a terminal. */
  readonly isTerminal: boolean;
  /** The ways to the servers, closed at the end. */
  readonly dialer: () => Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  /**
   * Calls back once if the user interrupts the program, which goes on then; a second
   * interruption ends it. Returns a function that ends this.
   */
  readonly onInterrupt: (listener: () => void) => () => void;
  /** @throws {Error} When the file cannot be opened */
  readonly openAppend: (path: string) => AppendFile;
  /** Configurations from elsewhere than the controllers; for tests. */
  readonly source?: ConfigSource | undefined;
}

/** The process's own input and output, over gRPC. */
export function processIo(): KvCliIo {
  const encoder = new TextEncoder();
  return {
    stdout: writeOut,
    stdoutWhileRead: writeOutWhileRead,
    stderr: writeError,
    isTerminal: Deno.stdout.isTerminal() && Deno.stderr.isTerminal(),
    dialer: () => new GrpcDialer({ endsWithProcess: true }),
    clock: systemClock,
    prng: createPrng(randomSeed()),
    onInterrupt: onSigint,
    openAppend: (path) => {
      const file = Deno.openSync(path, { create: true, append: true });
      return { append: (text) => writeAll(file, encoder.encode(text)), close: () => file.close() };
    },
  };
}

function onSigint(listener: () => void): () => void {
  const stop = () => Deno.removeSignalListener("SIGINT", onSignal);
  const onSignal = () => {
    // Without a listener the next one ends the process.
    stop();
    listener();
  };
  Deno.addSignalListener("SIGINT", onSignal);
  return stop;
}

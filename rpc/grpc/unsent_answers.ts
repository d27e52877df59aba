/**
 * Answers that nobody has taken. A caller that asks and does not read would
 * otherwise make a server keep any amount of them: limits of calls under way do
 * not count what is answered. Who has too many outstanding and takes none loses
 * the connection, which gives all of them back.
 */
import type { Socket } from "node:net";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { STALLED_MS_MAX, TAKEN_BYTES_MIN } from "../limits.ts";

export interface UnsentAnswersOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly connectionBytesMax: number;
  readonly serverBytesMax: number;
}

export class UnsentAnswers {
  readonly #options: UnsentAnswersOptions;
  readonly #connections = new Map<string, UnsentOfConnection>();
  #bytes = 0;

  constructor(options: UnsentAnswersOptions) {
    this.#options = options;
  }

  /** Bytes on all connections. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Begins to count for a connection, until it is closed. */
  watch(socket: Socket): void {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    const connection = new UnsentOfConnection(socket, (bytes) => this.#onChange(connection, bytes));
    this.#connections.set(peer, connection);
    socket.once("close", () => {
      connection.look?.cancel();
      if (this.#connections.get(peer) === connection) this.#connections.delete(peer);
    });
  }

  /** What is counted for the connection from `peer`; undefined if it is gone. */
  of(peer: string): UnsentOfConnection | undefined {
    return this.#connections.get(peer);
  }

  #onChange(connection: UnsentOfConnection, bytes: number): void {
    this.#bytes += bytes;
    if (bytes < 0) return;
    const { connectionBytesMax, serverBytesMax } = this.#options;
    if (connection.bytes > connectionBytesMax) this.#look(connection);
    if (this.#bytes <= serverBytesMax) return;
    const worst = [...this.#connections.values()]
      .reduce((worst, each) => each.bytes > worst.bytes ? each : worst, connection);
    this.#close(worst, serverBytesMax);
  }

  /** Many answers that were made at once are no fault of their peer; that nothing leaves is. */
  #look(connection: UnsentOfConnection): void {
    const { clock, connectionBytesMax } = this.#options;
    const before = connection.written;
    connection.look ??= clock.setTimer(() => {
      connection.look = undefined;
      if (connection.isClosed || connection.bytes <= connectionBytesMax) return;
      if (connection.written - before >= TAKEN_BYTES_MIN) return this.#look(connection);
      this.#close(connection, connectionBytesMax);
    }, STALLED_MS_MAX);
  }

  #close(connection: UnsentOfConnection, limit: number): void {
    if (connection.isClosed) return;
    this.#options.logger.warn("Closed a connection: its peer does not take its answers", {
      peer: connection.peer,
      unsent: connection.bytes,
      unsentOfAll: this.#bytes,
      limit,
    });
    connection.close();
  }
}

/** Bytes of answers on one connection that were given to gRPC and have not left. */
export class UnsentOfConnection {
  readonly peer: string;
  /** The next look at whether it takes anything, while it has too many. */
  look: Timer | undefined;
  readonly #socket: Socket;
  readonly #onChange: (bytes: number) => void;
  #bytes = 0;
  #isGivenUp = false;

  constructor(socket: Socket, onChange: (bytes: number) => void) {
    this.#socket = socket;
    this.#onChange = onChange;
    this.peer = `${socket.remoteAddress}:${socket.remotePort}`;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that have left. */
  get written(): number {
    return this.#socket.bytesWritten;
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  add(bytes: number): void {
    if (this.#isGivenUp) return;
    this.#bytes += bytes;
    this.#onChange(bytes);
  }

  /** Its calls say only later that they are over; others must not be closed for it meanwhile. */
  close(): void {
    this.add(-this.#bytes);
    this.#isGivenUp = true;
    this.#socket.destroy();
  }
}

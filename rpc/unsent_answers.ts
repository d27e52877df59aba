/**
 * Answers that nobody has taken. A caller that asks and does not read would
 * otherwise make a server keep any amount of them: limits of calls under way do
 * not count what is answered. Who has too many outstanding loses the
 * connection, which gives all of them back.
 */
import type { Socket } from "node:net";
import type { Logger } from "../runtime/logger.ts";

export interface UnsentAnswersOptions {
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
    if (connection.bytes > connectionBytesMax) return this.#close(connection, connectionBytesMax);
    if (this.#bytes <= serverBytesMax) return;
    const worst = [...this.#connections.values()]
      .reduce((worst, each) => each.bytes > worst.bytes ? each : worst, connection);
    this.#close(worst, serverBytesMax);
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
  readonly #socket: Socket;
  readonly #onChange: (bytes: number) => void;
  #bytes = 0;

  constructor(socket: Socket, onChange: (bytes: number) => void) {
    this.#socket = socket;
    this.#onChange = onChange;
    this.peer = `${socket.remoteAddress}:${socket.remotePort}`;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    this.#onChange(bytes);
  }

  close(): void {
    this.#socket.destroy();
  }
}

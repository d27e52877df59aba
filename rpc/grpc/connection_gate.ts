/**
 * The listening socket of a gRPC server. It lets a connection through only
 * once it has spoken HTTP/2, so that port scans, web browsers and noise never
 * cost a session, and it counts what is open.
 */
import { createServer, type Server as TcpServer, type Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { parseAddress } from "../address.ts";

/** What an HTTP/2 connection begins with (RFC 9113, section 3.4). */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Milliseconds between two lines about connections that were refused. */
const WARNING_MS = 10_000;

const HTTP1_ANSWER = "HTTP/1.1 505 HTTP Version Not Supported\r\n" +
  "Content-Type: text/plain\r\nConnection: close\r\n\r\nThis port speaks gRPC only\r\n";

export interface ConnectionGateOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Connections open at once; of the address that has the most no more is let in. */
  readonly connectionsMax: number;
  /** Milliseconds a connection has to send the preface. */
  readonly prefaceMsMax: number;
  /** Takes over a connection that speaks HTTP/2; what was read is put back. */
  readonly onConnection: (socket: Socket) => void;
}

export class ConnectionGate {
  readonly #options: ConnectionGateOptions;
  readonly #server: TcpServer;
  /** Where each comes from, the oldest first. */
  readonly #open = new Map<Socket, string>();
  /** How many come from each address. */
  readonly #byAddress = new Map<string, number>();
  /** Connections that have not spoken HTTP/2 yet. */
  readonly #waiting = new Set<Socket>();
  #refused = 0;
  #warnedAt = -Infinity;

  constructor(options: ConnectionGateOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Connections open now, let through or not. */
  get connections(): number {
    return this.#open.size;
  }

  /**
   * Starts to accept.
   *
   * @returns The bound address, with the port the system chose if 0 was asked for
   * @throws {Error} When the address cannot be bound; the text says what to do
   */
  listen(address: string): Promise<string> {
    const { host, port } = parseAddress(address, { portMin: 0 });
    return new Promise((resolve, reject) => {
      const onError = (error: Error) => reject(listenError(address, error));
      this.#server.once("error", onError);
      this.#server.listen({ host, port }, () => {
        this.#server.off("error", onError);
        this.#server.on("error", (error) => this.#warn("Listening socket failed", error));
        resolve(this.#boundAddress(address));
      });
    });
  }

  /**
   * Accepts no more and closes connections that were not let through yet.
   *
   * @returns Resolves when the last connection is gone
   */
  close(): Promise<void> {
    for (const socket of this.#waiting) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** Breaks every connection that is still open. */
  destroyAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }

  #boundAddress(asked: string): string {
    const bound = this.#server.address();
    if (bound === null || typeof bound === "string") return asked;
    return asked.replace(/:\d+$/, `:${bound.port}`);
  }

  #accept(socket: Socket): void {
    // A connection that breaks is everyday life; `close` follows and counts it out.
    socket.on("error", () => {});
    const address = socket.remoteAddress ?? "";
    if (this.#open.size >= this.#options.connectionsMax && !this.#makeRoom(address)) {
      this.#warnOfRefusal("Refused a connection: too many are open", address);
      socket.destroy();
      return;
    }
    this.#open.set(socket, address);
    this.#byAddress.set(address, this.#countOf(address) + 1);
    socket.once("close", () => this.#remove(socket));
    this.#awaitPreface(socket);
  }

  /**
   * One machine that has taken all places must not keep a group's replicas from each
   * other: of the address that has the most, the newest is closed for another one's.
   * Those behind one address, as on one machine, take nothing from each other.
   */
  #makeRoom(address: string): boolean {
    const most = Math.max(0, ...this.#byAddress.values());
    if (most <= this.#countOf(address) + 1) return false;
    const newest = [...this.#open].findLast(([, from]) => this.#countOf(from) === most);
    if (newest === undefined) return false;
    const [socket, peer] = newest;
    this.#warnOfRefusal("Closed a connection: too many are open, most from its address", peer);
    this.#remove(socket);
    socket.destroy();
    return true;
  }

  #countOf(address: string): number {
    return this.#byAddress.get(address) ?? 0;
  }

  #remove(socket: Socket): void {
    const address = this.#open.get(socket);
    if (address === undefined) return;
    this.#open.delete(socket);
    const count = this.#countOf(address) - 1;
    if (count > 0) this.#byAddress.set(address, count);
    else this.#byAddress.delete(address);
  }

  /** Whoever knocks again and again shall not fill the log. */
  #warnOfRefusal(message: string, peer: string | undefined): void {
    const { clock, logger } = this.#options;
    this.#refused++;
    if (clock.now() - this.#warnedAt < WARNING_MS) return;
    this.#warnedAt = clock.now();
    const open = this.#open.size;
    logger.warn(message, { open, peer, refused: this.#refused });
  }

  #awaitPreface(socket: Socket): void {
    const timer = this.#options.clock.setTimer(() => socket.destroy(), this.#options.prefaceMsMax);
    this.#waiting.add(socket);
    const onClose = () => settle();
    let received: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const verdict = judge(received);
      if (verdict === "undecided") return;
      settle();
      if (verdict === "stranger") return turnAway(socket, received);
      socket.pause();
      socket.unshift(received);
      this.#options.onConnection(socket);
    };
    const settle = () => {
      timer.cancel();
      this.#waiting.delete(socket);
      socket.off("data", onData);
      socket.off("close", onClose);
    };
    socket.on("data", onData);
    socket.on("close", onClose);
  }

  #warn(message: string, error: unknown): void {
    this.#options.logger.warn(message, { error });
  }
}

function judge(received: Buffer): "http2" | "stranger" | "undecided" {
  const length = Math.min(received.length, PREFACE.length);
  if (received.compare(PREFACE, 0, length, 0, length) !== 0) return "stranger";
  return length === PREFACE.length ? "http2" : "undecided";
}

function turnAway(socket: Socket, received: Buffer): void {
  // Whatever else it sends is read and dropped until it is gone.
  socket.resume();
  if (/^[A-Z]+ \S/.test(received.toString("latin1", 0, 16))) {
    socket.end(HTTP1_ANSWER, () => socket.destroy());
  } else {
    socket.destroy();
  }
}

function listenError(address: string, cause: Error): Error {
  const code = "code" in cause ? cause.code : undefined;
  return new Error(`Cannot listen on ${address}: ${listenReason(code, cause)}`, { cause });
}

function listenReason(code: unknown, cause: Error): string {
  switch (code) {
    case "EADDRINUSE":
      return "the port is in use; stop the process that holds it or choose another port";
    case "EADDRNOTAVAIL":
    // What Deno makes of EADDRNOTAVAIL.
    case "EINVAL":
      return "this machine does not have that address; use one of its own or 0.0.0.0";
    case "EACCES":
    case "EPERM":
      return "this user may not bind that port; use one above 1023";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host name cannot be resolved";
    default:
      return cause.message;
  }
}

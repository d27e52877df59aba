/** Serves routes over gRPC, and outlives whatever connects to its port. */
import {
  logVerbosity,
  Server,
  ServerCredentials,
  type ServerOptions,
  setLogVerbosity,
} from "@grpc/grpc-js";
import { type Clock, sleep, systemClock } from "../../runtime/clock.ts";
import { type Logger, silentLogger } from "../../runtime/logger.ts";
import { KvError } from "../errors.ts";
import {
  ARRIVING_BYTES_MAX,
  CONNECTIONS_MAX,
  IDLE_MS_MAX,
  MESSAGE_BYTES_MAX,
  PREFACE_MS_MAX,
  STREAMS_PER_CONNECTION_MAX,
  UNSENT_CONNECTION_BYTES_MAX,
  UNSENT_SERVER_BYTES_MAX,
} from "../limits.ts";
import type { ServiceRoutes } from "../service.ts";
import { ConnectionGate } from "./connection_gate.ts";
import { widenConnection, widenStreams } from "./flow_control.ts";
import { ServerStreams, toGrpcHandler } from "./grpc_server_stream.ts";
import { UnaryCalls } from "./grpc_unary_call.ts";
import { guardStreams, onSession } from "./server_sessions.ts";
import { freeWhenClosed } from "./session_handles.ts";
import { replaceStreamTable } from "./stream_table.ts";
import { UnsentAnswers } from "./unsent_answers.ts";
import { gatherWrites } from "./write_gathering.ts";
import { watchFrames } from "./write_pacing.ts";

/** What one server takes on at most; each has a default in limits.ts. */
export interface ServerLimits {
  readonly connectionsMax?: number;
  /** Milliseconds a new connection has to speak HTTP/2. */
  readonly prefaceMsMax?: number;
  /** Milliseconds that a connection may be without a call. */
  readonly idleMsMax?: number;
  /** Bytes of requests that have not arrived whole, with their headers. */
  readonly arrivingBytesMax?: number;
  /** Bytes of answers that wait for the peer of one connection. */
  readonly unsentConnectionBytesMax?: number;
  /** Bytes of answers that wait for the peers of all connections. */
  readonly unsentServerBytesMax?: number;
}

export interface ServeGrpcOptions {
  /** `host:port` to bind; port 0 lets the system choose. */
  readonly address: string;
  readonly routes: ServiceRoutes;
  readonly logger?: Logger;
  readonly limits?: ServerLimits;
  /** Default: the host's clock, which gRPC itself runs on. */
  readonly clock?: Clock;
}

export interface GrpcServer {
  /** The bound address, with the port the system chose if 0 was asked for. */
  readonly address: string;
  /** Connections open now. */
  readonly connections: number;
  /** Bytes of answers that their callers have not taken. */
  readonly unsentBytes: number;
  /**
   * Ends streams at once with UNAVAILABLE, gives unary calls a grace to finish,
   * then breaks what is left. Safe to call again.
   */
  close(): Promise<void>;
}

/** Milliseconds that unary calls under way get to finish when the server closes. */
const CLOSE_GRACE_MS = 2_000;

/** Milliseconds that connections get after that to deliver the last answers and wind down. */
const FAREWELL_MS = 500;

const SERVER_OPTIONS: ServerOptions = {
  "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
  // Sizes are checked when a response is encoded.
  "grpc.max_send_message_length": -1,
  "grpc.max_concurrent_streams": STREAMS_PER_CONNECTION_MAX,
  // A client that vanished without a word is noticed and its session freed.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.enable_channelz": 0,
};

/**
 * Binds the address and answers from then on.
 *
 * @throws {Error} When the address cannot be bound; the text names it and says what to do
 * @throws {SyntaxError | RangeError} When the address is malformed
 */
export async function serveGrpc(options: ServeGrpcOptions): Promise<GrpcServer> {
  const { address, routes, logger = silentLogger, limits = {}, clock = systemClock } = options;
  // gRPC would write out every header of a stranger that it finds malformed.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server({
    ...SERVER_OPTIONS,
    "grpc.max_connection_idle_ms": limits.idleMsMax ?? IDLE_MS_MAX,
  });
  widenStreams(server);
  const unsent = new UnsentAnswers({
    clock,
    logger,
    connectionBytesMax: limits.unsentConnectionBytesMax ?? UNSENT_CONNECTION_BYTES_MAX,
    serverBytesMax: limits.unsentServerBytesMax ?? UNSENT_SERVER_BYTES_MAX,
  });
  const streams = new ServerStreams(logger, unsent);
  const unary = new UnaryCalls(routes, {
    clock,
    logger,
    unsent,
    arrivingBytesMax: limits.arrivingBytesMax ?? ARRIVING_BYTES_MAX,
  });
  register(server, routes, streams);
  // gRPC's own listener would give every stranger a session; see ConnectionGate.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  guardStreams(server, (stream, headers) => unary.take(stream, headers));
  onSession(server, (session) => {
    widenConnection(session);
    replaceStreamTable(session);
    freeWhenClosed(session);
  });
  const gate = new ConnectionGate({
    clock,
    logger,
    connectionsMax: limits.connectionsMax ?? CONNECTIONS_MAX,
    prefaceMsMax: limits.prefaceMsMax ?? PREFACE_MS_MAX,
    onConnection: (socket) => {
      unsent.watch(socket);
      gatherWrites(socket);
      watchFrames(socket);
      injector.injectConnection(socket);
    },
  });
  const bound = await gate.listen(address);
  let closing: Promise<void> | undefined;
  return {
    address: bound,
    get connections() {
      return gate.connections;
    },
    get unsentBytes() {
      return unsent.bytes;
    },
    close: () => closing ??= closeServer({ server, gate, streams, unary, clock, address: bound }),
  };
}

/**
 * Binds the address and lets it go again, before anything is done that would be in vain.
 *
 * @throws As {@linkcode serveGrpc}
 */
export async function tryAddress(address: string): Promise<void> {
  const gate = new ConnectionGate({
    clock: systemClock,
    logger: silentLogger,
    connectionsMax: 0,
    prefaceMsMax: PREFACE_MS_MAX,
    onConnection: (socket) => socket.destroy(),
  });
  await gate.listen(address);
  await gate.close();
}

/** Messages are encoded and decoded by us, gRPC only carries them. */
const identity = (bytes: Buffer): Buffer => bytes;

function register(server: Server, routes: ServiceRoutes, streams: ServerStreams): void {
  for (const route of routes) {
    if (route.kind !== "stream") continue;
    const { path } = route.method;
    if (!server.register(path, toGrpcHandler(route, streams), identity, identity, "bidi")) {
      throw new TypeError(`Cannot serve ${path} twice`);
    }
  }
}

interface Closing {
  readonly server: Server;
  readonly gate: ConnectionGate;
  readonly streams: ServerStreams;
  readonly unary: UnaryCalls;
  readonly clock: Clock;
  readonly address: string;
}

async function closeServer(
  { server, gate, streams, unary, clock, address }: Closing,
): Promise<void> {
  const error = new KvError("UNAVAILABLE", `Cannot finish: ${address} is shutting down`);
  const disconnected = gate.close();
  streams.breakOff(error);
  // Clients are told to start no more calls. Its callback is of no use here: it
  // does not wait for the calls of connections that were handed in.
  server.tryShutdown(() => {});
  await within(clock, CLOSE_GRACE_MS, unary.done());
  streams.breakOff(error);
  unary.breakOff(error);
  await within(clock, FAREWELL_MS, disconnected);
  server.forceShutdown();
  gate.destroyAll();
  await disconnected;
}

/** Waits for `done`, but no longer than `ms`. */
async function within(clock: Clock, ms: number, done: Promise<void>): Promise<void> {
  const timer = new AbortController();
  const timeout = sleep(clock, ms, timer.signal).catch(() => {});
  await Promise.race([done, timeout]);
  timer.abort();
}

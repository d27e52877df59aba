/** What the tests of the carriers share: a service to call, and ways to call it. */
import { assertRejects } from "@std/assert";
import {
  type BatchRequest,
  type BatchResponse,
  KvServiceService,
} from "../../proto/gen/shardkv.ts";
import { KvError } from "../errors.ts";
import {
  type Channel,
  type Dialer,
  type ServiceRoutes,
  stream,
  type StreamHandler,
  unary,
  type UnaryHandler,
} from "../service.ts";

/** A server and a client of it. */
export interface CarrierPair {
  readonly address: string;
  readonly dialer: Dialer;
  closeServer(): Promise<void>;
}

/** Starts a server with the routes and a dialer that can reach it. */
export type StartCarrier = (routes: ServiceRoutes) => Promise<CarrierPair>;

export type Unary = UnaryHandler<BatchRequest, BatchResponse>;
export type Stream = StreamHandler<BatchRequest, BatchResponse>;

/** Enough for an answer on a busy machine; a test that needs it all fails anyway. */
export const PATIENCE_MS = 10_000;

/** Methods of a real service, for what they carry does not matter here. */
export const { execute, scan, stream: streamMethod } = KvServiceService;

export type ConformanceTest = readonly [
  title: string,
  run: (start: StartCarrier) => Promise<void>,
];

export async function withUnary(
  start: StartCarrier,
  handler: Unary,
  use: (channel: Channel, address: string) => Promise<void>,
): Promise<void> {
  await withRoutes(start, [unary(execute, handler)], use);
}

export async function withStream(
  start: StartCarrier,
  handler: Stream,
  use: (channel: Channel, address: string) => Promise<void>,
): Promise<void> {
  await withRoutes(start, [stream(streamMethod, handler)], use);
}

export async function withRoutes(
  start: StartCarrier,
  routes: ServiceRoutes,
  use: (channel: Channel, address: string) => Promise<void>,
): Promise<void> {
  const { address, dialer, closeServer } = await start(routes);
  try {
    await use(dialer.channel(address), address);
  } finally {
    await dialer.close();
    await closeServer();
  }
}

/** A handler that answers the first request and then waits until it is aborted. */
export function endless() {
  const entered = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const thrown = Promise.withResolvers<KvError>();
  const handler: Stream = async (call) => {
    call.signal.addEventListener("abort", () => aborted.resolve());
    try {
      for await (const { id } of call.requests) {
        call.send(response(id));
        entered.resolve();
      }
    } catch (error) {
      if (error instanceof KvError) thrown.resolve(error);
      throw error;
    }
  };
  const { promise } = entered;
  return { handler, entered: promise, aborted: aborted.promise, thrown: thrown.promise };
}

export function abortable(): { readonly signal: AbortSignal; abort(): void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

export async function rejection(call: Promise<unknown>): Promise<KvError> {
  return await assertRejects(() => call, KvError);
}

export async function collect(responses: AsyncIterable<BatchResponse>, into: number[] = []) {
  for await (const { id } of responses) into.push(id);
  return into;
}

export function request(id: number): BatchRequest {
  return { id, writes: Buffer.alloc(0), getKeys: [], ageMs: 0, anyReplica: false };
}

export function response(id: number): BatchResponse {
  return {
    id,
    error: "",
    message: "",
    leaderAddress: "",
    configNum: 0,
    writeResults: [],
    getResults: [],
    places: [],
    more: false,
  };
}

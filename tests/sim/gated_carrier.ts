/** What reaches a node from outside, held back while the node is paused. */
import type {
  CallOptions,
  Channel,
  ClientStream,
  Dialer,
  Method,
  Route,
  ServerStream,
  ServiceRoutes,
} from "../../rpc/service.ts";
import type { Gate } from "./gate.ts";

/** The routes of a node, behind its gate. */
export function gatedRoutes(routes: ServiceRoutes, gate: Gate): ServiceRoutes {
  return routes.map((route): Route => {
    if (route.kind === "unary") {
      const { handler } = route;
      return {
        ...route,
        handler: async (request, context) => {
          await gate.wait();
          return await handler(request, context);
        },
      };
    }
    const { handler } = route;
    return {
      ...route,
      handler: async (stream: ServerStream<unknown, unknown>) => {
        await gate.wait();
        await handler(gatedServerStream(stream, gate));
      },
    };
  });
}

function gatedServerStream<Request, Response>(
  stream: ServerStream<Request, Response>,
  gate: Gate,
): ServerStream<Request, Response> {
  return {
    requests: gated(stream.requests, gate),
    signal: stream.signal,
    peer: stream.peer,
    metadata: (name) => stream.metadata(name),
    send: (response) => stream.send(response),
  };
}

/** The same items; each waits at the gate, and so do the end and a failure. */
async function* gated<T>(items: AsyncIterable<T>, gate: Gate): AsyncGenerator<T> {
  try {
    for await (const item of items) {
      await gate.wait();
      yield item;
    }
  } catch (error) {
    await gate.wait();
    throw error;
  }
  await gate.wait();
}

/** The calls of a node, whose answers wait at its gate. */
export class GatedDialer implements Dialer {
  readonly #dialer: Dialer;
  readonly #gate: Gate;

  constructor(dialer: Dialer, gate: Gate) {
    this.#dialer = dialer;
    this.#gate = gate;
  }

  channel(address: string): Channel {
    return new GatedChannel(this.#dialer.channel(address), this.#gate);
  }

  forget(address: string): void {
    this.#dialer.forget(address);
  }

  close(): Promise<void> {
    return this.#dialer.close();
  }
}

class GatedChannel implements Channel {
  readonly address: string;
  readonly #channel: Channel;
  readonly #gate: Gate;

  constructor(channel: Channel, gate: Gate) {
    this.address = channel.address;
    this.#channel = channel;
    this.#gate = gate;
  }

  async unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    try {
      return await this.#channel.unary(method, request, options);
    } finally {
      await this.#gate.wait();
    }
  }

  stream<Request, Response>(
    method: Method<Request, Response>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): ClientStream<Request, Response> {
    const stream = this.#channel.stream(method, options);
    return {
      responses: gated(stream.responses, this.#gate),
      send: (request) => stream.send(request),
      end: () => stream.end(),
      cancel: () => stream.cancel(),
    };
  }
}

/** Counts what a client does with its connections. */
import type { Channel, ClientStream, Dialer } from "../../rpc/service.ts";

export class CountingDialer implements Dialer {
  /** Calls and streams begun, by address. */
  readonly begun = new Map<string, number>();
  /** Messages sent, by address. */
  readonly sent = new Map<string, number>();
  /** Streams that have not ended. */
  open = 0;
  readonly #dialer: Dialer;

  constructor(dialer: Dialer) {
    this.#dialer = dialer;
  }

  channel(address: string): Channel {
    const channel = this.#dialer.channel(address);
    return {
      address,
      unary: (...args) => {
        count(this.begun, address);
        count(this.sent, address);
        return channel.unary(...args);
      },
      stream: (...args) => {
        count(this.begun, address);
        return this.#counted(channel.stream(...args), address);
      },
    };
  }

  forget(address: string): void {
    this.#dialer.forget(address);
  }

  close(): Promise<void> {
    return this.#dialer.close();
  }

  #counted<Request, Response>(
    stream: ClientStream<Request, Response>,
    address: string,
  ): ClientStream<Request, Response> {
    this.open++;
    return {
      responses: this.#untilEnded(stream.responses),
      send: (request) => {
        count(this.sent, address);
        stream.send(request);
      },
      end: () => stream.end(),
      cancel: () => stream.cancel(),
    };
  }

  async *#untilEnded<Response>(responses: AsyncIterable<Response>): AsyncIterable<Response> {
    try {
      yield* responses;
    } finally {
      this.open--;
    }
  }
}

function count(counts: Map<string, number>, address: string): void {
  counts.set(address, (counts.get(address) ?? 0) + 1);
}

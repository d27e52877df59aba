/** A port that passes bytes on to a node, as far as the rules of its links allow. */
import { linkName, type LinkRule, type ProxiedNode } from "./link_rules.ts";

/** As much as is read at a time. */
const CHUNK_BYTES = 64 << 10;
/** How long TCP may take to notice a loss and to send anew. */
const RESEND_MS_MIN = 200;
const RESEND_MS_MAX = 1_500;

/** The rules as they are now, and a way to wait for others. */
export interface Weather {
  rule(link: string): LinkRule;
  /** Resolves at the next change of the rules. */
  readonly changed: Promise<void>;
}

export interface NodeProxyOptions extends ProxiedNode {
  readonly weather: Weather;
  /** Label of the node that connects from this port to the proxy's. */
  readonly senderOf: (port: number) => string;
}

export class NodeProxy {
  readonly #options: NodeProxyOptions;
  readonly #listener: Deno.TcpListener;
  readonly #passages = new Set<Passage>();

  /** Listens at once. */
  constructor(options: NodeProxyOptions) {
    this.#options = options;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: options.port });
    void this.#accept();
  }

  /** Breaks the connections that a node has to this one. */
  reset(from: string): void {
    for (const passage of this.#passages) if (passage.from === from) passage.close();
  }

  resetAll(): void {
    for (const passage of this.#passages) passage.close();
  }

  close(): void {
    this.#listener.close();
    this.resetAll();
  }

  async #accept(): Promise<void> {
    for await (const inbound of this.#listener) {
      const passage = new Passage({ ...this.#options, inbound });
      this.#passages.add(passage);
      passage.run().finally(() => this.#passages.delete(passage));
    }
  }
}

interface PassageOptions extends NodeProxyOptions {
  readonly inbound: Deno.TcpConn;
}

/** One connection: two directions, each with a rule of its own. */
class Passage {
  readonly #options: PassageOptions;
  readonly #ends: Deno.TcpConn[];
  readonly #closed = Promise.withResolvers<void>();
  #from: string | undefined;
  #isClosed = false;

  constructor(options: PassageOptions) {
    this.#options = options;
    this.#ends = [options.inbound];
  }

  /** Who has connected; undefined until that is known. */
  get from(): string | undefined {
    return this.#from;
  }

  async run(): Promise<void> {
    const { inbound, label, target, senderOf } = this.#options;
    try {
      const outbound = await Deno.connect({ hostname: "127.0.0.1", port: target });
      this.#ends.push(outbound);
      if (this.#isClosed) return outbound.close();
      // Only now: those who try again and again to reach a node that is down cost nothing.
      const from = senderOf((inbound.remoteAddr as Deno.NetAddr).port);
      this.#from = from;
      const [there, back] = [linkName(from, label), linkName(label, from)];
      // Connecting takes packets both ways.
      await this.#whileCut(there);
      await this.#whileCut(back);
      inbound.setNoDelay(true);
      outbound.setNoDelay(true);
      await Promise.all([
        this.#pump(inbound, outbound, there),
        this.#pump(outbound, inbound, back),
      ]);
    } catch {
      // Whatever broke: both ends find the connection broken.
    } finally {
      this.close();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closed.resolve();
    for (const end of this.#ends) end.close();
  }

  async #pump(source: Deno.TcpConn, sink: Deno.TcpConn, link: string): Promise<void> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (;;) {
      const count = await source.read(buffer);
      await this.#travel(link);
      if (this.#isClosed) return;
      if (count === null) return await sink.closeWrite();
      await writeAll(sink, buffer.subarray(0, count));
    }
  }

  /** Takes as long as bytes take on this link. */
  async #travel(link: string): Promise<void> {
    const { delayMs = 0, jitterMs = 0, lossOdds = 0 } = this.#options.weather.rule(link);
    const isLost = lossOdds > 0 && Math.random() < 1 / lossOdds;
    const resendMs = isLost ? RESEND_MS_MIN + Math.random() * (RESEND_MS_MAX - RESEND_MS_MIN) : 0;
    const ms = delayMs + Math.random() * jitterMs + resendMs;
    if (ms > 0) await this.#pause(ms);
    await this.#whileCut(link);
  }

  async #whileCut(link: string): Promise<void> {
    const { weather } = this.#options;
    while (!this.#isClosed && weather.rule(link).cut === true) {
      await Promise.race([weather.changed, this.#closed.promise]);
    }
  }

  async #pause(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([over, this.#closed.promise]);
    clearTimeout(timer);
  }
}

async function writeAll(sink: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await sink.write(bytes.subarray(written));
  }
}

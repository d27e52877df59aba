import { assert, assertEquals } from "@std/assert";
import { until } from "../../tasks/cluster/deadline.ts";
import { freePorts } from "../e2e/free_ports.ts";
import { Links } from "./links.ts";

const TIMEOUT_MS = 30_000;
/** So long nothing arrives over a link that is cut. */
const SILENT_MS = 500;

/** Listens where a node would, and keeps what each connection has said last. */
class Listener implements AsyncDisposable {
  readonly said: string[] = [];
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;
  readonly #connections: Deno.TcpConn[] = [];

  constructor(port: number) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#accepting = this.#accept();
  }

  count(text: string): number {
    return this.said.filter((said) => said.includes(text)).length;
  }

  async #accept(): Promise<void> {
    const reading: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      this.#connections.push(connection);
      reading.push(this.#read(connection));
    }
    await Promise.all(reading);
  }

  async #read(connection: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(1024);
    try {
      for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
        this.said.push(new TextDecoder().decode(buffer.subarray(0, n)));
      }
    } catch {
      // It was broken, or closed at the end.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    await this.#accepting;
  }
}

/** A process that says a word again and again, and connects anew when its connection breaks. */
class Speaker implements AsyncDisposable {
  readonly pid: number;
  readonly #child: Deno.ChildProcess;

  constructor(port: number, word: string) {
    const script = `
      for (;;) {
        try {
          const connection = await Deno.connect({ hostname: "127.0.0.1", port: ${port} });
          for (;;) {
            await connection.write(new TextEncoder().encode("${word} "));
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }`;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["eval", script],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.pid = this.#child.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}

Deno.test("Links tells senders apart: what one cannot send another can, and all of it arrives later", async () => {
  const [port = 0, target = 0] = freePorts(2);
  await using node = new Listener(target);
  using links = new Links();
  await links.open([{ label: "node", port, target }]);
  await using known = new Speaker(port, "known");
  links.setProcess("a", known.pid);
  await using _stranger = new Speaker(port, "stranger");
  const hears = (word: string, more: number) => {
    const goal = node.count(word) + more;
    return until(`Nobody says '${word}'`, TIMEOUT_MS, () => node.count(word) >= goal || undefined);
  };
  await hears("known", 3);
  await hears("stranger", 3);

  links.cut(["a"], ["node"]);
  // What was under way when the order came may still arrive.
  await hears("stranger", 5);
  const before = node.count("known");
  await new Promise((resolve) => setTimeout(resolve, SILENT_MS));
  await hears("stranger", 5);
  assertEquals(node.count("known"), before);

  links.heal();
  await hears("known", 3);
  links.rule(["a"], ["node"], { delayMs: 100 });
  await hears("known", 1);
  links.reset(["node"]);
  await hears("known", 3);
  await hears("stranger", 3);
});

Deno.test("Links says why a proxy cannot listen", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using links = new Links();
  const open = links.open([{ label: "node", port: taken.addr.port, target: 1 }]);
  const error = await open.then(() => undefined, (error: Error) => error);
  assert(error?.message.startsWith("Cannot rule the network: AddrInUse"), error?.message);
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CtrlerClerk } from "../client/ctrler_clerk.ts";
import { GrpcDialer } from "../rpc/grpc/grpc_dialer.ts";
import { systemClock } from "../runtime/clock.ts";
import { createPrng, randomSeed } from "../runtime/prng.ts";

const MAIN = `${import.meta.dirname}/main.ts`;

interface Ending {
  readonly code: number;
  readonly stderr: string;
}

/** One server process, as an operator starts it. */
class ServerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #ready = Promise.withResolvers<void>();
  readonly ended: Promise<Ending>;
  #isOver = false;

  constructor(...args: string[]) {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", MAIN, ...args],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    });
    this.#child = command.spawn();
    this.ended = this.#follow();
  }

  /** Resolves with the ready line's arrival; rejects if the process ends before. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  stop(): Promise<Ending> {
    this.#child.kill("SIGTERM");
    return this.ended;
  }

  async closeStdin(): Promise<Ending> {
    await this.#child.stdin.close();
    return await this.ended;
  }

  /** Leaves no process behind, however the test ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) this.#child.kill("SIGKILL");
    await this.ended;
  }

  async #follow(): Promise<Ending> {
    let stderr = "";
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      stderr += text;
      if (stderr.includes(" listening on ")) this.#ready.resolve();
    }
    const { code } = await this.#child.status;
    this.#isOver = true;
    await this.#child.stdin.close().catch(() => {});
    this.#ready.reject(new Error(`The server ended with code ${code}: ${stderr}`));
    this.#ready.promise.catch(() => {});
    return { code, stderr };
  }
}

function freeAddress(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `127.0.0.1:${listener.addr.port}`;
}

async function withClerk<T>(address: string, use: (clerk: CtrlerClerk) => Promise<T>): Promise<T> {
  const dialer = new GrpcDialer();
  const prng = createPrng(randomSeed());
  const clerk = new CtrlerClerk({ controllers: [address], dialer, clock: systemClock, prng });
  try {
    return await use(clerk);
  } finally {
    clerk.close();
    await dialer.close();
  }
}

Deno.test("shardctrlerserver keeps its configurations over a restart and stops in order", async () => {
  const directory = await Deno.makeTempDir();
  const address = freeAddress();
  const args = ["-cluster", address, "-db", `${directory}/sc`];
  try {
    await using first = new ServerProcess(...args, "-shards", "10");
    await first.ready;
    const joined = await withClerk(address, (clerk) => clerk.join(new Map([[100, ["a:1"]]])));
    assertEquals(joined.num, 1);
    const { code, stderr } = await first.stop();
    assertEquals(code, 0, stderr);
    const readyLine = new RegExp(
      `^\\d{4}/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d ShardCtrler server 0 listening on ${address}$`,
      "m",
    );
    assert(readyLine.test(stderr), stderr);

    await using second = new ServerProcess(...args, "-exit-with-parent");
    await second.ready;
    assertEquals(await withClerk(address, (clerk) => clerk.query(1)), joined);
    assertEquals((await second.closeStdin()).code, 0);

    await using other = new ServerProcess(...args, "-shards", "64");
    const third = await other.ended;
    assertEquals(third.code, 1);
    assertStringIncludes(
      third.stderr,
      "Cannot use '-shards' 64: the cluster was made with 10 shards for good",
    );

    await using foreign = new ServerProcess("-cluster", freeAddress(), "-db", `${directory}/sc`);
    const fourth = await foreign.ended;
    assertEquals(fourth.code, 1);
    assertStringIncludes(
      fourth.stderr,
      `Cannot start from '${directory}/sc_0': cannot use data of another node`,
    );
    assertStringIncludes(
      fourth.stderr,
      "; start it with the flags it was made with, or choose another -db\n",
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("shardctrlerserver that joins unannounced is told to be added, and nothing else", async () => {
  const directory = await Deno.makeTempDir();
  const [address, own] = [freeAddress(), freeAddress()];
  const args = ["-cluster", address, "-db", `${directory}/sc`];
  try {
    await using first = new ServerProcess(...args);
    await first.ready;
    await using second = new ServerProcess(...args, "-id", "1", "-join", own);
    const { code, stderr } = await second.ended;
    assertEquals(code, 1);
    assertStringIncludes(
      stderr,
      `Cannot start from '${directory}/sc_1': cannot join: the group has no member at ${own}; ` +
        "add it first (member add)\n",
    );
    await first.stop();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("shardctrlerserver refuses a wrong id (1) and wrong flags (2)", async () => {
  const [wrongId, wrongFlag] = await Promise.all([
    new ServerProcess("-id", "3").ended,
    new ServerProcess("-wat").ended,
  ]);
  assertEquals(wrongId.code, 1);
  assertStringIncludes(wrongId.stderr, "invalid id 3\n");
  assertEquals(wrongFlag.code, 2);
  assertStringIncludes(wrongFlag.stderr, "flag provided but not defined: -wat\nUsage of ");
});

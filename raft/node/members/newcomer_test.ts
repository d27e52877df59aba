/** A node that joins a group which is there already, and whose first life the group must not forget. */
import { assertEquals, assertRejects } from "@std/assert";
import type { MemoryServer } from "../../../rpc/memory/memory_network.ts";
import { setFailpoint } from "../../../runtime/failpoint.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createPrng } from "../../../runtime/prng.ts";
import { MemoryEngine } from "../../../storage/memory_engine.ts";
import { RaftNode } from "../raft_node.ts";
import { readRegister, RegisterMachine } from "../testing/register_machine.ts";
import { TestGroup, type TestGroupOptions } from "../testing/test_group.ts";
import { IdentityError } from "./identity.ts";
import { MemberService } from "./member_service.ts";

const ADDRESS = "newcomer:1";
const ADMIN = "admin:1";
const ID = 4;
const [LEADER, ABSENT, REMOVED] = [1, 2, 3];
const WAIT_MS = 10_000;
/** More of these than a stream takes at once: who is behind stays behind for a while. */
const LARGE = "v".repeat(3_900_000);

/** A group that node 1 leads, and a node that joins it. */
class Newcomer {
  readonly group: TestGroup;
  readonly failures: unknown[] = [];
  engine = new MemoryEngine();
  #node: RaftNode | undefined;
  #server: MemoryServer | undefined;
  readonly #prng = createPrng(9);

  private constructor(group: TestGroup) {
    this.group = group;
  }

  static async start(options: TestGroupOptions = {}): Promise<Newcomer> {
    const group = await TestGroup.start(3, 1, options);
    await group.write("x=a");
    await group.converge();
    while (await group.leader() !== LEADER) {
      group.node(await group.leader()).memberChanges.transferLeader(LEADER);
      await group.clock.advance(2_000);
    }
    group.network.serve(ADMIN, new MemberService(group.node(LEADER)).routes);
    return new Newcomer(group);
  }

  get leader(): RaftNode {
    return this.group.node(LEADER);
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.group.clock.resolve(promise, WAIT_MS);
  }

  propose(payload: string): Promise<unknown> {
    return this.run(this.leader.propose(Buffer.from(payload)));
  }

  async add(): Promise<void> {
    await this.run(
      this.leader.memberChanges.make([{ type: "addLearner", id: ID, address: ADDRESS }]),
    );
  }

  /** Joins, or starts again, with whatever the engine holds. */
  async open(address = ADDRESS): Promise<void> {
    const { clock, network } = this.group;
    const node = await clock.resolve(
      RaftNode.open({
        identity: { clusterId: "7", gid: 1, nodeId: ID },
        members: new Map(),
        join: { address, servers: [ADMIN] },
        engine: this.engine,
        machine: new RegisterMachine(),
        dialer: network.dialer(ADDRESS),
        clock,
        prng: this.#prng,
        logger: silentLogger,
        onFatal: (error) => this.failures.push(error),
      }),
      60_000,
    );
    this.#node = node;
    this.#server = network.serve(ADDRESS, node.routes);
  }

  /** Becomes a voter in the place of another one. */
  async replace(removed: number): Promise<void> {
    await this.group.clock.advance(5_000);
    const service = new MemberService(this.leader);
    await this.run(service.change({ $case: "promote", value: { id: ID } }));
    await this.run(service.change({ $case: "remove", value: { id: removed } }));
    await this.group.crash(removed);
  }

  async stop(): Promise<void> {
    this.#server?.close();
    await this.run(this.#node?.stop() ?? Promise.resolve());
  }

  async crash(): Promise<void> {
    this.engine = this.engine.crash(this.#prng);
    await this.stop();
  }

  async wipe(): Promise<void> {
    await this.stop();
    this.engine = new MemoryEngine();
  }

  async end(): Promise<void> {
    await this.stop();
    await this.group.stop();
  }
}

/** Nobody leads without what was acknowledged; with node 1 back everything is there. */
async function assertNothingLost(newcomer: Newcomer): Promise<void> {
  const { group } = newcomer;
  await group.crash(LEADER);
  await group.clock.advance(15_000);
  assertEquals(group.node(ABSENT).status().role === "leader", false, "it lacks what was written");
  await group.restart(LEADER);
  await group.clock.advance(15_000);
  assertEquals(await readRegister(group.node(LEADER).reader, "x"), "aACKED");
  assertEquals([group.failures, newcomer.failures], [[], []]);
}

Deno.test("a member that was away turns a wiped newcomer away once it hears who that was", async () => {
  let slowMs = 0;
  const isSlow = (from: string, to: string) =>
    [from, to].sort().join() === ["node1:1", "node2:1"].join();
  const newcomer = await Newcomer.start({
    network: { delayMs: (from, to) => isSlow(from, to) ? slowMs : 0 },
  });
  const { group } = newcomer;
  await group.crash(ABSENT);
  await newcomer.add();
  await newcomer.open();
  await newcomer.replace(REMOVED);
  const changed = newcomer.leader.status().commit;
  for (let i = 0; i < 6; i++) await newcomer.propose(`b${i}=${LARGE}`);
  assertEquals(await newcomer.propose("x=ACKED"), "aACKED");

  await newcomer.wipe();
  slowMs = 300;
  await group.restart(ABSENT);
  // It does not know of the newcomer yet and lets it in; then it learns of its first life.
  await newcomer.open();
  await group.clock.advanceUntil(() => group.node(ABSENT).status().applied >= changed, 60_000);
  await assertNothingLost(newcomer);
  await newcomer.end();
});

Deno.test("a member does not start at another address than the one it was added with", async () => {
  const newcomer = await Newcomer.start();
  await newcomer.add();
  await newcomer.open();
  await newcomer.group.clock.advance(5_000);
  await newcomer.stop();
  await assertRejects(
    () => newcomer.open("elsewhere:1"),
    IdentityError,
    `Cannot join at elsewhere:1: node ${ID - 1} is a member at ${ADDRESS}; ` +
      "start it with the flags it was made with, or choose another -db",
  );
  await newcomer.open();
  await newcomer.group.clock.advance(5_000);
  assertEquals([newcomer.group.failures, newcomer.failures], [[], []]);
  await newcomer.end();
});

Deno.test("a member that is killed behind the installation of a snapshot knows its members again", async () => {
  let slowMs = 0;
  const newcomer = await Newcomer.start({
    retainedEntriesMax: 64,
    retainedBytesMax: 1 << 30,
    network: { delayMs: (from, to) => from === "node1:1" && to === "node2:1" ? slowMs : 0 },
  });
  const { group } = newcomer;
  await group.crash(ABSENT);
  await newcomer.add();
  group.network.cut(ADDRESS, "node2:1");
  group.network.cut("node2:1", ADDRESS);
  await newcomer.open();
  await newcomer.replace(REMOVED);
  for (let i = 0; i < 200; i++) await newcomer.propose(`y=${i}`);
  let crashed = false;
  {
    using _ = setFailpoint("raft/afterInstall", (node) => {
      if ((node as { nodeId: number }).nodeId !== ABSENT || crashed) return;
      crashed = true;
      group.powerOff(ABSENT);
      throw new Error("kill -9");
    });
    await group.restart(ABSENT);
    await group.clock.advanceUntil(() => crashed, 30_000);
  }
  await group.clock.advance(3_000);
  for (let i = 0; i < 24; i++) await newcomer.propose(`b${i}=${LARGE}`);
  assertEquals(await newcomer.propose("x=ACKED"), "aACKED");

  await newcomer.wipe();
  slowMs = 300;
  await group.restart(ABSENT);
  group.network.heal();
  await newcomer.open();
  await group.clock.advance(2_000);
  await assertNothingLost(newcomer);
  await newcomer.end();
});

for (const name of ["raft/afterClaim", "raft/afterLoad"] as const) {
  Deno.test(`a node that joins and crashes at ${name} joins when it starts again`, async () => {
    const newcomer = await Newcomer.start();
    const { group } = newcomer;
    await newcomer.add();
    {
      using _ = setFailpoint(name, () => {
        throw new Error("kill -9");
      });
      await assertRejects(() => newcomer.open(), Error, "kill -9");
    }
    await newcomer.crash();
    for (const written of ["b", "c"]) {
      await newcomer.open();
      await newcomer.propose(`x=${written}`);
      await group.clock.advance(20_000);
      await newcomer.crash();
    }
    await newcomer.open();
    await newcomer.replace(REMOVED);
    assertEquals(await newcomer.propose("x=d"), "abcd");
    assertEquals([group.failures, newcomer.failures], [[], []]);
    await newcomer.end();
  });
}

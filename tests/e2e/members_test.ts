/** Members of real groups are replaced from the command line, while a client writes without a pause. */
import { assertEquals } from "@std/assert";
import type { KvClerk } from "../../client/kv_clerk.ts";
import { until } from "../../tasks/cluster/deadline.ts";
import type { NodePlan } from "../../tasks/cluster/plan.ts";
import { TestCluster } from "./cluster_harness.ts";
import { runProgram } from "./command_line.ts";
import { planNewMember } from "./new_member.ts";

const CHANGE_TIMEOUT_MS = 60_000;
/** The newcomer's place: the first members are 0, 1 and 2. */
const NEW_ID = 3;

/** Writes one key after the other until it is told to stop. */
class Writer {
  readonly written: string[] = [];
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(clerk: KvClerk) {
    this.#running = this.#run(clerk);
    // A failure is told by `stop`, or by the writes that stand still.
    this.#running.catch(() => {});
  }

  async #run(clerk: KvClerk): Promise<void> {
    while (!this.#stopped) {
      const key = `key-${this.written.length}`;
      await clerk.put(key, `value of ${key}`);
      this.written.push(key);
    }
  }

  /** @throws What a write has failed with */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }
}

async function ctrl(cluster: TestCluster, ...words: string[]): Promise<string> {
  const controllers = cluster.controllers.join(",");
  const program = "client/shardctrlerclient.ts";
  const { code, stdout, stderr } = await runProgram(program, "-cluster", controllers, ...words);
  assertEquals(code, 0, `${words.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

/** Adds a member, starts it, and gives it a vote. */
async function addMember(cluster: TestCluster, gid: number): Promise<NodePlan> {
  const node = planNewMember(cluster.plan, gid, NEW_ID);
  await ctrl(cluster, "member", "add", String(gid), node.address);
  await cluster.processes.start([node]);
  // Waits until the newcomer has caught up.
  await ctrl(cluster, "member", "promote", String(gid), String(NEW_ID));
  return node;
}

async function assertAllThere(cluster: TestCluster, keys: readonly string[]): Promise<void> {
  const values = await cluster.clerk.getMany(keys);
  const decoder = new TextDecoder();
  keys.forEach((key, i) => assertEquals(decoder.decode(values[i]), `value of ${key}`));
}

Deno.test("the leader of a group is replaced by a new member while a client writes", async () => {
  await using cluster = await TestCluster.start({ groups: 1 });
  const writer = new Writer(cluster.clerk);
  const node = await addMember(cluster, 100);
  const leader = await cluster.leaderOf(100);
  const gone = leader.split("-")[1] ?? "";
  await ctrl(cluster, "member", "remove", "100", gone);
  await cluster.crash([leader]);
  // The configuration's list of servers follows.
  await until("the controllers do not know the new servers", CHANGE_TIMEOUT_MS, async () => {
    const query = await ctrl(cluster, "query");
    return query.includes(node.address) || undefined;
  });
  // The new member makes up the majority when another one goes.
  const next = await cluster.leaderOf(100);
  await cluster.crash([next]);
  const before = writer.written.length;
  await until("nobody serves", CHANGE_TIMEOUT_MS, () => {
    return Promise.resolve(writer.written.length > before + 10 || undefined);
  });
  await writer.stop();
  await assertAllThere(cluster, writer.written);
  assertEquals(cluster.deaths, []);
});

Deno.test("a controller is replaced by a new member, and the cluster is steered by it", async () => {
  await using cluster = await TestCluster.start({ groups: 1 });
  await addMember(cluster, 0);
  await ctrl(cluster, "member", "remove", "0", "0");
  await cluster.crash(["ctrler-0"]);
  const list = JSON.parse(await ctrl(cluster, "-o", "json", "member", "list", "0"));
  assertEquals(list.members.map(({ id }: { id: number }) => id), [1, 2, NEW_ID]);
  // Of three voters two are left, the new one among them.
  await cluster.crash(["ctrler-1"]);
  assertEquals(await ctrl(cluster, "-force", "leave", "100"), "Leave OK\n");
  assertEquals(cluster.deaths, []);
});

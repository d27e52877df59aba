import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { setFailpoint } from "../../runtime/failpoint.ts";
import { createPrng } from "../../runtime/prng.ts";
import { isJoint } from "../membership/membership.ts";
import type { NodeId, Role } from "../types.ts";
import { RAFT_FAILPOINTS, type RaftFailpoint } from "./failpoints.ts";
import type { NodeIdentity } from "./members/identity.ts";
import { assertReplicasEqual } from "./testing/replica_content.ts";
import { TestGroup } from "./testing/test_group.ts";
import { WriteLedger } from "./testing/write_ledger.ts";

/** At which of its passes through a failpoint a node of a role crashes. */
type Coverage = Partial<Record<Role, readonly number[]>>;

/** For a failpoint that is passed again and again by everybody. */
const EVERYWHERE: Coverage = { leader: [1, 2, 9], follower: [1, 2, 9] };
const RECEIVER: Coverage = { follower: [1] };

const SPECIAL: Partial<Record<RaftFailpoint, Coverage>> = {
  "raft/afterClaim": { leader: [1], follower: [1] },
  "raft/afterLoad": { leader: [1], follower: [1] },
  "raft/beforeSend": { leader: [1, 2], follower: [1, 2] },
  "raft/beforeSave": { ...EVERYWHERE, candidate: [1] },
  "raft/afterSave": { ...EVERYWHERE, candidate: [1] },
  // Into the joint configuration, and out of it.
  "raft/beforeConfChange": { leader: [1, 2], follower: [1, 2] },
  "raft/afterConfChange": { leader: [1, 2], follower: [1, 2] },
  // A leader promises nothing to anybody.
  "raft/beforePromises": { follower: [1, 2], candidate: [1] },
  "raft/beforeOffer": { leader: [1] },
  "raft/beforeChunk": { leader: [1, 2, 3] },
  "raft/beforeStage": RECEIVER,
  "raft/afterChunk": { follower: [1, 2, 3] },
  "raft/afterStage": RECEIVER,
  "raft/beforeInstall": RECEIVER,
  "raft/afterInstall": RECEIVER,
  "raft/beforeClear": RECEIVER,
  "raft/afterClear": RECEIVER,
};

const BOOT: readonly RaftFailpoint[] = ["raft/afterClaim", "raft/afterLoad"];
const CONF_CHANGE: readonly RaftFailpoint[] = ["raft/beforeConfChange", "raft/afterConfChange"];

/** A chunk of a snapshot is full with it. */
const BULK = "v".repeat(600 << 10);

/** What loses its power with the node that passes the failpoint. */
type Extent = "node" | "group";

interface Crash {
  readonly extent: Extent;
  readonly name: RaftFailpoint;
  readonly role: Role;
  readonly pass: number;
}

/** A group under load of which one node crashes at a failpoint. */
class CrashRun {
  readonly #crash: Crash;
  readonly #group: TestGroup;
  readonly #ledger = new WriteLedger();
  readonly #prng = createPrng(1);
  #away: NodeId = 0;
  #passes = 0;
  #crashed: NodeId = 0;
  #writes = 0;

  constructor(group: TestGroup, crash: Crash) {
    this.#group = group;
    this.#crash = crash;
  }

  async run(): Promise<void> {
    await this.#leaveOneBehind();
    await this.#crashAtFailpoint();
    await this.#recover();
    await this.#load(3_000);
    await this.#check();
  }

  /** One follower needs a snapshot; the bulk makes it three chunks. */
  async #leaveOneBehind(): Promise<void> {
    const group = this.#group;
    for (let i = 0; i < 3; i++) await group.write(`bulk${i}=${BULK}`);
    await group.write("passing=here");
    const leader = await group.leader();
    this.#away = group.ids.find((id) => id !== leader) ?? 0;
    group.isolate(this.#away);
    await this.#load(4_000);
    assertGreater(group.node(leader).status().firstIndex, 8);
  }

  async #crashAtFailpoint(): Promise<void> {
    const { name, role } = this.#crash;
    const group = this.#group;
    using _ = setFailpoint(name, (node) => this.#onPass((node as NodeIdentity).nodeId));
    if (BOOT.includes(name)) {
      group.heal();
      await this.#crashAtBoot(role === "leader" ? await group.leader() : this.#away);
    } else {
      group.heal();
      if (role === "candidate") group.isolate(await group.leader());
      await this.#load(30_000, () => {
        if (CONF_CHANGE.includes(name)) this.#turnAwayInto("learner");
        return this.#crashed !== 0;
      });
    }
    assertEquals(this.#passes, this.#crash.pass, `Passes of ${name}`);
    assertGreater(this.#crashed, 0);
  }

  /** Asks the leader for the change, unless it is made or under way. */
  #turnAwayInto(kind: "learner" | "voter"): boolean {
    const group = this.#group;
    const id = this.#away;
    for (const leader of group.ids.filter((id) => group.isRunning(id))) {
      const node = group.node(leader);
      if (node.status().role !== "leader") continue;
      const { conf } = node.roster;
      const isMade = kind === "voter" ? conf.voters.includes(id) : conf.learners.includes(id);
      if (isMade && !isJoint(conf)) return true;
      const type = kind === "voter" ? "addVoter" : "addLearner";
      node.memberChanges.make([{ type, id }]).catch(() => {});
    }
    return false;
  }

  async #crashAtBoot(id: NodeId): Promise<void> {
    await this.#group.crash(id);
    await assertRejects(() => this.#group.restart(id), Error, "Power cut");
  }

  #onPass(id: NodeId): void {
    if (this.#crashed !== 0 || !this.#isVictim(id)) return;
    if (++this.#passes < this.#crash.pass) return;
    this.#crashed = id;
    this.#powerOff(id);
    throw new Error("Power cut");
  }

  #powerOff(id: NodeId): void {
    const group = this.#group;
    for (const other of this.#crash.extent === "group" ? group.ids : [id]) {
      if (other === id || group.isRunning(other)) group.powerOff(other);
    }
  }

  #isVictim(id: NodeId): boolean {
    const { name, role } = this.#crash;
    if (BOOT.includes(name)) return true;
    if (this.#group.node(id).status().role !== role) return false;
    // The one whose vote is taken away is not needed, the others are.
    return role !== "follower" || (id === this.#away) !== CONF_CHANGE.includes(name);
  }

  /** A majority goes on without the node; it comes back to what has changed meanwhile. */
  async #recover(): Promise<void> {
    const group = this.#group;
    group.heal();
    if (this.#crash.extent === "group") await this.#restartAll();
    const before = this.#ledger.acknowledged.length;
    await this.#load(60_000, () => this.#ledger.acknowledged.length > before + 20);
    assertGreater(this.#ledger.acknowledged.length, before, "The group does not go on");
    await group.write("passing-");
    if (this.#crash.extent === "node") await group.restart(this.#crashed);
  }

  async #restartAll(): Promise<void> {
    for (const id of this.#group.ids) await this.#group.restart(id);
  }

  async #load(ms: number, isEnough: () => boolean = () => false): Promise<void> {
    const group = this.#group;
    const endMs = group.clock.now() + ms;
    while (group.clock.now() < endMs && !isEnough()) {
      for (const id of group.ids) {
        if (!group.isRunning(id) || group.node(id).status().role !== "leader") continue;
        this.#ledger.write(group, id, this.#writes++ % 2 === 0 ? "applied" : "decided");
      }
      await group.clock.advance(this.#prng.below(100));
    }
  }

  async #check(): Promise<void> {
    const group = this.#group;
    // A leader that does not know yet that it was replaced would refuse the last write.
    await group.clock.advance(5_000);
    await group.write("y=end");
    if (CONF_CHANGE.includes(this.#crash.name)) {
      await this.#load(30_000, () => this.#turnAwayInto("learner"));
      await this.#load(30_000, () => this.#turnAwayInto("voter"));
      assert(this.#turnAwayInto("voter"), "Members cannot be changed any more");
    }
    await group.converge(1_000);
    this.#ledger.check(await assertReplicasEqual(group));
    assertGreater(this.#ledger.acknowledged.length, 40);
    assertEquals(group.failures, []);
  }
}

async function crashAt(crash: Crash): Promise<void> {
  const size = CONF_CHANGE.includes(crash.name) ? 4 : 3;
  const group = await TestGroup.start(size, 1, { retainedEntriesMax: 4 });
  try {
    await new CrashRun(group, crash).run();
  } finally {
    await group.stop();
  }
}

for (const name of BOOT) {
  Deno.test(`RaftNode: a crash at ${name} of its first boot leaves a node that can begin`, async () => {
    const group = TestGroup.create(3);
    let crashes = 0;
    {
      using _ = setFailpoint(name, () => {
        crashes++;
        group.powerOff(2);
        throw new Error("Power cut");
      });
      await assertRejects(() => group.restart(2), Error, "Power cut");
    }
    for (const id of group.ids) await group.restart(id);
    await group.write("x=a");
    await group.converge();
    assertEquals(await assertReplicasEqual(group), "a");
    assertEquals([crashes, group.failures], [1, []]);
    await group.stop();
  });
}

for (const name of Object.keys(RAFT_FAILPOINTS) as RaftFailpoint[]) {
  for (const [role, passes] of Object.entries(SPECIAL[name] ?? EVERYWHERE)) {
    for (const pass of passes) {
      const where = `at pass ${pass} of ${name} by a ${role}`;
      Deno.test(`RaftNode: a crash ${where} loses nothing`, () =>
        crashAt({ extent: "node", name, role: role as Role, pass }));
      Deno.test(`RaftNode: a power cut of the group ${where} loses nothing`, () =>
        crashAt({ extent: "group", name, role: role as Role, pass }));
    }
  }
}

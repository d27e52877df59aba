/** Reads under a lease (thesis section 6.4.1). */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { DEFAULT_RAFT_CONFIG, validateRaftConfig } from "../config.ts";
import { TestNetwork } from "../testing/test_network.ts";
import { TestNode, voters } from "../testing/test_node.ts";
import { NONE } from "../types.ts";
import { Lease } from "./lease.ts";

const LEASE_MS = 500;
const TICK_MS = 100;

/** Nodes whose clocks the test sets; one of them leads. */
class LeasedGroup {
  readonly network: TestNetwork;
  readonly leader: TestNode;
  nowMs = 0;

  constructor({ size = 3, cutOff = [] }: { size?: number; cutOff?: readonly number[] } = {}) {
    this.network = new TestNetwork({ size, config: { leaseMs: LEASE_MS } });
    this.network.isolate(...cutOff);
    // The promise that a restart may have forgotten runs out first.
    this.network.tick(10);
    const ids = [...this.network.nodes.keys()];
    this.leader = this.network.awaitLeader(ids.filter((id) => !cutOff.includes(id)));
    this.pass(1);
  }

  /** Everybody but the leader. */
  get others(): TestNode[] {
    return [...this.network.nodes.values()].filter((node) => node !== this.leader);
  }

  pass(ticks: number): void {
    for (let i = 0; i < ticks; i++) {
      this.nowMs += TICK_MS;
      for (const { raw } of this.network.nodes.values()) raw.observeClock(this.nowMs);
      this.network.tick();
    }
  }

  /** Asks for a read and returns whether it is answered without anybody's help. */
  readsAlone(context: number): boolean {
    this.leader.raw.readIndex(context);
    this.leader.drain();
    return this.leader.reads.has(context);
  }
}

Deno.test("a leader with a lease answers reads at once", () => {
  const group = new LeasedGroup();
  assertEquals(group.readsAlone(1), true);
});

Deno.test("a leader whose lease has run out asks first", () => {
  const group = new LeasedGroup();
  group.network.isolate(group.leader.id);
  group.nowMs += LEASE_MS;
  group.leader.raw.observeClock(group.nowMs);
  assertEquals(group.readsAlone(1), false);
});

Deno.test("a lease counts from when the heartbeats were sent, not from their answers", () => {
  const lease = new Lease();
  lease.sent(1, 1_000);
  lease.sent(2, 1_400);
  lease.confirmed(1);
  assertEquals(lease.isValid(1_000 + LEASE_MS - 1, LEASE_MS), true);
  assertEquals(lease.isValid(1_000 + LEASE_MS, LEASE_MS), false);
  lease.confirmed(2);
  assertEquals(lease.isValid(1_000 + LEASE_MS, LEASE_MS), true);
});

Deno.test("without leases every read asks", () => {
  const network = new TestNetwork({ size: 3 });
  const leader = network.elect(1);
  network.tick(3);
  leader.raw.readIndex(1);
  leader.drain();
  assertEquals(leader.reads.has(1), false);
});

Deno.test("a hand-over ends leases for the rest of the term, even if it is given up", () => {
  const group = new LeasedGroup();
  const other = group.leader.id === 1 ? 2 : 1;
  group.network.loses = ({ type }) => type === "timeoutNow";
  group.leader.raw.transferLeader(other);
  group.pass(20);
  assertEquals(group.leader.status.role, "leader");
  assertEquals(group.readsAlone(1), false);
});

Deno.test("a hand-over waits for nobody's promise", () => {
  const group = new LeasedGroup({ size: 5 });
  const [heir] = group.others;
  assert(heir !== undefined);
  group.leader.raw.transferLeader(heir.id);
  group.network.settle();
  assertEquals(heir.status.role, "leader");
});

Deno.test("a new leader has no lease before it knows what its predecessor committed", () => {
  const group = new LeasedGroup();
  const { network, leader } = group;
  const heir = network.node(leader.id === 1 ? 2 : 1);
  leader.raw.transferLeader(heir.id);
  // Its heartbeats are answered, and its first entry is not.
  network.loses = ({ type, to }) => type === "appendResponse" && to === heir.id;
  group.pass(3);
  assertEquals(heir.status.role, "leader");
  heir.raw.readIndex(1);
  heir.drain();
  assertEquals(heir.reads.has(1), false);
  network.heal();
  group.pass(2);
  assertEquals(heir.reads.get(1), heir.status.commit);
});

Deno.test("a node that was just started protects a leader it may have forgotten", () => {
  const group = new LeasedGroup();
  const others = [1, 2, 3].filter((id) => id !== group.leader.id);
  const [voter = 0, candidate = 0] = others;
  group.network.isolate(group.leader.id);
  const restarted = group.network.node(voter);
  restarted.restart();
  group.network.node(candidate).raw.campaign();
  group.network.settle();
  assertEquals(group.network.node(candidate).status.role, "preCandidate");
  group.network.tick(10);
  group.network.node(candidate).raw.campaign();
  group.network.settle();
  assertEquals(group.network.node(candidate).status.role, "leader");
});

Deno.test("a node that was just started does not stand in for a candidate", () => {
  // One that has never heard of the leader's term asks for a vote of that very term.
  const group = new LeasedGroup({ cutOff: [3] });
  const { network, leader } = group;
  const voter = network.node(leader.id === 1 ? 2 : 1);
  voter.restart();
  network.heal();
  network.isolate(leader.id);
  network.node(3).raw.campaign();
  network.settle();
  group.pass(LEASE_MS / TICK_MS - 2);
  assertEquals([voter.status.role, voter.status.term], ["follower", leader.status.term]);
  assertEquals(group.readsAlone(1), true);
});

Deno.test("a follower keeps its promise to a leader that it has forgotten since", () => {
  const group = new LeasedGroup();
  const { network, leader } = group;
  const [voter, other] = [1, 2, 3].filter((id) => id !== leader.id).map((id) => network.node(id));
  assert(voter !== undefined && other !== undefined);
  network.isolate(leader.id);
  const { term } = leader.status;
  const [from, to] = [other.id, voter.id];
  // The late answer of one that was a candidate when the leader was silent for a while.
  const refusal = { term: term + 1, reject: true, commit: 0, commitTerm: 0 };
  voter.raw.step({ type: "preVoteResponse", from, to, ...refusal });
  voter.drain();
  assertEquals([voter.status.term, voter.status.leader], [term + 1, NONE]);
  other.raw.campaign();
  network.settle();
  assertEquals(other.status.role, "preCandidate");
  assertEquals(group.readsAlone(1), true);
});

Deno.test("a promise is kept for an election timeout after the heartbeat that was answered last", () => {
  const node = new TestNode({ voters: [1, 2, 3], config: { leaseMs: LEASE_MS } });
  const { electionTicks } = DEFAULT_RAFT_CONFIG;
  for (let tick = 0; tick < electionTicks; tick++) node.raw.tick();
  node.raw.step({ type: "heartbeat", from: 2, to: 1, term: 1, commit: 0, context: 1 });
  const news = { commit: 0, commitTerm: 0 };
  node.raw.step({ type: "preVoteResponse", from: 3, to: 1, term: 2, reject: true, ...news });
  const isPromised = () => {
    node.drain();
    const log = { lastIndex: 0, lastTerm: 0 };
    node.raw.step({ type: "preVote", from: 3, to: 1, term: 3, force: false, ...log, ...news });
    return !node.drain().some(({ type }) => type === "preVoteResponse");
  };
  for (let tick = 0; tick < electionTicks; tick++) {
    assertEquals(isPromised(), true, `after ${tick} ticks`);
    node.raw.tick();
  }
  assertEquals(isPromised(), false);
});

Deno.test("what voters promised who have none any more is no lease", () => {
  const group = new LeasedGroup({ size: 5 });
  const { network, leader } = group;
  const [heir, lagging, ...leaving] = group.others;
  assert(heir !== undefined && lagging !== undefined);
  // Those who stay get all entries or nothing, but no heartbeat that they could promise anything for.
  network.isolate(lagging.id);
  network.loses = ({ type, to }) => type === "heartbeat" && to === heir.id;
  for (let i = 0; i < 15; i++) {
    group.pass(1);
    network.propose(leader.id, `entry ${i}`);
  }
  leader.proposeChange(...leaving.map(({ id }) => ({ type: "remove" as const, id })));
  network.settle();
  assertEquals(heir.raw.confState, voters(...[leader.id, heir.id, lagging.id].sort()));
  network.heal();
  network.isolate(leader.id);
  // A late refusal has one of them forget the leader, so that it stands in for the other.
  const [from, to, term] = [lagging.id, heir.id, leader.status.term + 1];
  heir.raw.step({
    type: "preVoteResponse",
    from,
    to,
    term,
    reject: true,
    commit: 0,
    commitTerm: 0,
  });
  lagging.raw.campaign();
  network.settle();
  group.pass(2);
  assertEquals([heir.status.role, leader.status.role], ["leader", "leader"]);
  assertEquals(group.readsAlone(1), false);
});

Deno.test("leases need 'checkQuorum'", () => {
  const config = { ...DEFAULT_RAFT_CONFIG, id: 1, leaseMs: 100, checkQuorum: false };
  assertThrows(() => validateRaftConfig(config), RangeError, "checkQuorum");
});

import { assertEquals, assertRejects } from "@std/assert";
import { type RaftFrame, RaftTransportService } from "../../../proto/gen/raft.ts";
import { KvError } from "../../../rpc/errors.ts";
import { MemoryNetwork, type MemoryServer } from "../../../rpc/memory/memory_network.ts";
import { stream } from "../../../rpc/service.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createPrng } from "../../../runtime/prng.ts";
import { VirtualClock } from "../../../runtime/virtual_clock.ts";
import { MemoryEngine } from "../../../storage/memory_engine.ts";
import type { Message } from "../../message.ts";
import type { NodeId } from "../../types.ts";
import { PeerRegistry } from "../members/peer_registry.ts";
import { changeRoster, firstRoster, type Roster } from "../members/roster.ts";
import { encodeMessage } from "./codec.ts";
import { FRAME_VERSION } from "./peer_stream.ts";
import { RpcTransport } from "./rpc_transport.ts";

const CLUSTER_ID = "5";
const MEMBERS = new Map([[1, "one:1"], [2, "two:1"]]);

function heartbeat(commit: number, from = 1): Message {
  return { type: "heartbeat", from, to: 2, term: 1, commit, context: 0 };
}

function preVote(): Message {
  const news = { commit: 1, commitTerm: 1 };
  const log = { lastIndex: 1, lastTerm: 1 };
  return { type: "preVote", from: 1, to: 2, term: 2, force: false, ...log, ...news };
}

function incarnationOf(nodeId: NodeId): string {
  return String(1_000 + nodeId);
}

/** Two nodes and what the second has received. */
class Pair {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork({ clock: this.clock });
  readonly received: Message[] = [];
  /** Why peers were lost, as the logs tell. */
  readonly warnings: string[] = [];
  readonly transports: RpcTransport[] = [];
  readonly registries: PeerRegistry[] = [];
  readonly #servers = new Map<NodeId, MemoryServer>();

  static async create(): Promise<Pair> {
    const pair = new Pair();
    await pair.start(1);
    const receiver = await pair.start(2);
    receiver.onMessage((message) => pair.received.push(message));
    return pair;
  }

  get sender(): RpcTransport {
    return this.transports[0] as RpcTransport;
  }

  get receiver(): RpcTransport {
    return this.transports[1] as RpcTransport;
  }

  /** Starts a node that may know of more members than the others. */
  async start(
    nodeId: NodeId,
    options: { knows?: [NodeId, string]; addresses?: ReadonlyMap<NodeId, string> } = {},
  ): Promise<RpcTransport> {
    const { knows, addresses = MEMBERS } = options;
    const address = addresses.get(nodeId) ?? "";
    const engine = new MemoryEngine();
    const registry = await PeerRegistry.load({ engine, self: nodeId, mustMeet: [] });
    if (knows !== undefined) await registry.admit(...knows);
    const transport = new RpcTransport({
      identity: { clusterId: CLUSTER_ID, gid: 1, nodeId },
      incarnation: incarnationOf(nodeId),
      registry,
      address,
      roster: firstRoster(addresses),
      dialer: this.network.dialer(address),
      clock: this.clock,
      prng: createPrng(nodeId),
      logger: {
        ...silentLogger,
        warn: (_, fields) => this.warnings.push(String(fields?.["error"])),
      },
      onFatal: (error) => {
        throw error;
      },
    });
    this.transports.push(transport);
    this.registries.push(registry);
    if (nodeId <= this.transports.length) this.serve(nodeId, address);
    return transport;
  }

  serve(nodeId: NodeId, address = MEMBERS.get(nodeId) ?? ""): void {
    const transport = this.transports[nodeId - 1] as RpcTransport;
    this.#servers.set(nodeId, this.network.serve(address, [transport.route]));
  }

  stopServing(nodeId: NodeId): void {
    this.#servers.get(nodeId)?.close();
  }

  async close(): Promise<void> {
    const closing = this.transports.map((transport) => transport.close());
    await this.clock.resolve(Promise.all(closing), 5_000);
  }
}

Deno.test("RpcTransport carries messages in order", async () => {
  const pair = await Pair.create();
  await pair.clock.advance(1_000);
  pair.sender.send([heartbeat(1), heartbeat(2)]);
  pair.sender.send([heartbeat(3)]);
  await pair.clock.advance(10);
  assertEquals(pair.received, [heartbeat(1), heartbeat(2), heartbeat(3)]);
  await pair.close();
});

Deno.test("RpcTransport says that a peer is unreachable, and reaches it again", async () => {
  const pair = await Pair.create();
  let losses = 0;
  pair.sender.onUnreachable((peer) => losses += peer === 2 ? 1 : 0);
  await pair.clock.advance(1_000);
  pair.network.cut("one:1", "two:1");
  pair.sender.send([heartbeat(1)]);
  await pair.clock.advanceUntil(() => losses > 0, 5_000);
  pair.network.heal();
  await pair.clock.advance(5_000);
  pair.sender.send([heartbeat(2)]);
  await pair.clock.advance(10);
  assertEquals(pair.received.at(-1), heartbeat(2));
  await pair.close();
});

/** A peer that takes frames in and says no more than the first `reports` times; counts the streams to it. */
async function startMute(reports: number) {
  const pair = new Pair();
  const sender = await pair.start(1);
  let streams = 0;
  const route = stream(RaftTransportService.stream, async (call) => {
    streams++;
    let left = reports;
    for await (const _ of call.requests) {
      if (left-- > 0) call.send({ bytesReceived: 0, incarnation: incarnationOf(2) });
    }
  });
  pair.network.serve("two:1", [route]);
  return { pair, sender, streams: () => streams };
}

Deno.test("RpcTransport gives up a stream that nobody welcomes", async () => {
  const { pair, streams } = await startMute(0);
  await pair.clock.advance(4_000);
  assertEquals(streams(), 1);
  await pair.clock.advance(4_000);
  assertEquals(streams(), 2);
  await pair.close();
});

Deno.test("RpcTransport gives up a stream whose peer no longer reports that it takes frames in", async () => {
  const { pair, sender, streams } = await startMute(20);
  await pair.clock.advance(1_000);
  let losses = 0;
  sender.onUnreachable(() => losses++);
  for (let ms = 0; ms < 6_000; ms += 100) {
    sender.send([heartbeat(1)]);
    await pair.clock.advance(100);
  }
  assertEquals([streams(), losses], [1, 0]);
  for (let ms = 0; ms < 6_000; ms += 100) {
    sender.send([heartbeat(1)]);
    await pair.clock.advance(100);
  }
  assertEquals([streams(), losses], [2, 1]);
  await pair.close();
});

Deno.test("RpcTransport keeps a stream that is seldom used", async () => {
  const pair = await Pair.create();
  let losses = 0;
  pair.sender.onUnreachable(() => losses++);
  await pair.clock.advance(1_000);
  for (const ms of [100, 900, 2_100, 60_000, 100, 3_600_000, 4_900, 4_900]) {
    pair.sender.send([heartbeat(1)]);
    await pair.clock.advance(ms);
  }
  pair.sender.send([heartbeat(2)]);
  await pair.clock.advance(10);
  assertEquals([losses, pair.received.length], [0, 9]);
  await pair.close();
});

Deno.test("RpcTransport says that a peer is gone when nobody answers there any more", async () => {
  const pair = await Pair.create();
  const gone: NodeId[] = [];
  pair.sender.onGone((peer) => gone.push(peer));
  await pair.clock.advance(1_000);
  assertEquals(gone, []);
  pair.stopServing(2);
  await pair.clock.advanceUntil(() => gone.length > 0, 200);
  assertEquals(gone[0], 2);
  await pair.close();
});

Deno.test("RpcTransport does not take a peer for gone that breaks a connection or refuses it", async () => {
  const pair = await Pair.create();
  const gone: NodeId[] = [];
  pair.sender.onGone((peer) => gone.push(peer));
  await pair.clock.advance(1_000);
  for (let round = 0; round < 3; round++) {
    pair.stopServing(2);
    pair.serve(2);
    await pair.clock.advance(1_000);
  }
  const remove = { changes: [{ type: "remove", id: 1 }], members: [] } as const;
  const joint = changeRoster(firstRoster(MEMBERS), remove);
  pair.receiver.setRoster(changeRoster(joint, { changes: [], members: [] }));
  pair.stopServing(2);
  pair.serve(2);
  await pair.clock.advance(5_000);
  assertEquals(gone, []);
  await pair.close();
});

const frame: RaftFrame = {
  version: FRAME_VERSION,
  clusterId: CLUSTER_ID,
  gid: 1,
  from: 1,
  to: 2,
  messages: [encodeMessage(heartbeat(1))],
  fromIncarnation: incarnationOf(1),
  toIncarnation: incarnationOf(2),
  fromAddress: "",
};
const strange: readonly [string, Partial<RaftFrame>][] = [
  ["another cluster", { clusterId: "6" }],
  ["another group", { gid: 2 }],
  ["another receiver", { to: 3 }],
  ["this very node", { from: 2 }],
  ["a version it does not know", { version: 1 }],
  ["another life of the sender", { fromIncarnation: "13" }],
  ["a sender that does not say which life it is in", { fromIncarnation: "0", from: 3 }],
  ["a word to another life of this node", { toIncarnation: "13" }],
  ["an id that was never given", { from: 5_000, messages: [] }],
  ["a sender that speaks for another", { messages: [{ ...encodeMessage(heartbeat(1)), from: 3 }] }],
  ["a message of no known type", { messages: [{ ...encodeMessage(heartbeat(1)), type: 0 }] }],
];
for (const [what, difference] of strange) {
  Deno.test(`RpcTransport refuses a frame of ${what}`, async () => {
    const pair = await Pair.create();
    await pair.registries[1]?.admit(1, incarnationOf(1));
    const call = pair.network.dialer().channel("two:1").stream(RaftTransportService.stream);
    call.send({ ...frame, ...difference });
    const talk = (async () => {
      for await (const _ of call.responses);
    })();
    await assertRejects(() => pair.clock.resolve(talk, 5_000), KvError);
    assertEquals(pair.received, []);
    await pair.close();
  });
}

Deno.test("RpcTransport of a node that has just joined lets in whose ids are near its own", async () => {
  const pair = new Pair();
  const newcomer = await pair.start(5_000);
  pair.network.serve("newcomer:1", [newcomer.route]);
  for (const [from, isWelcome] of [[4_999, true], [50_000, false]] as const) {
    const call = pair.network.dialer().channel("newcomer:1").stream(RaftTransportService.stream);
    call.send({ ...frame, from, to: 5_000, messages: [] });
    const answer = call.responses[Symbol.asyncIterator]().next().then(() => true, () => false);
    assertEquals(await pair.clock.resolve(answer, 5_000), isWelcome);
    call.cancel();
  }
  await pair.close();
});

Deno.test("RpcTransport tells nothing to a peer that has lost its disk", async () => {
  const pair = new Pair();
  await pair.start(1, { knows: [2, "another life"] });
  (await pair.start(2)).onMessage((message) => pair.received.push(message));
  await pair.clock.advance(1_000);
  pair.sender.send([heartbeat(1)]);
  await pair.clock.advance(5_000);
  assertEquals(pair.received, []);
  await pair.close();
});

/** The members once node 1 is none of them. */
function rosterWithoutFirst(): Roster {
  const remove = {
    changes: [{ type: "remove", id: 1 }, { type: "addLearner", id: 3 }],
    members: [],
  } as const;
  const joint = changeRoster(firstRoster(MEMBERS), remove);
  return changeRoster(joint, { changes: [], members: [] });
}

Deno.test("RpcTransport turns away a peer that was removed", async () => {
  const pair = await Pair.create();
  pair.receiver.setRoster(rosterWithoutFirst());
  await pair.clock.advance(1_000);
  pair.sender.send([heartbeat(1)]);
  await pair.clock.advance(1_000);
  assertEquals(pair.received, []);
  await pair.close();
});

Deno.test("RpcTransport tells a peer that was removed so, though its stream was open before", async () => {
  const pair = await Pair.create();
  await pair.clock.advance(1_000);
  pair.warnings.length = 0;
  pair.receiver.setRoster(rosterWithoutFirst());
  const handOver: Message = { type: "timeoutNow", from: 1, to: 2, term: 1 };
  pair.sender.send([handOver]);
  await pair.clock.advance(10);
  assertEquals([pair.received, pair.warnings], [[handOver], []]);

  pair.sender.send([preVote()]);
  await pair.clock.advance(1_000);
  assertEquals(pair.received, [handOver]);
  assertEquals(pair.warnings, ["Cannot take messages of node 0: it was removed from the group"]);
  await pair.close();
});

Deno.test("RpcTransport tells a learner that it was removed, though it asks for nothing", async () => {
  const pair = await Pair.create();
  const [voters, learner] = [firstRoster(new Map([[2, "two:1"]])), { id: 1, address: "one:1" }];
  const members = [{ ...learner, incarnation: incarnationOf(1) }];
  const added = changeRoster(voters, { changes: [{ type: "addLearner", id: 1 }], members });
  pair.receiver.setRoster(added);
  await pair.clock.advance(1_000);
  pair.warnings.length = 0;
  pair.receiver.setRoster(
    changeRoster(added, { changes: [{ type: "remove", id: 1 }], members: [] }),
  );
  await pair.clock.advance(1_000);
  assertEquals(pair.warnings, ["Cannot take messages of node 0: it was removed from the group"]);
  await pair.close();
});

Deno.test("RpcTransport answers a member that it has not heard of yet", async () => {
  const pair = await Pair.create();
  const addresses = new Map([...MEMBERS, [3, "three:1"]] as const);
  const newcomer = await pair.start(3, { addresses });
  const answers: Message[] = [];
  newcomer.onMessage((message) => answers.push(message));
  await pair.clock.advance(1_000);
  newcomer.send([heartbeat(1, 3)]);
  await pair.clock.advance(1_000);
  assertEquals(pair.received, [heartbeat(1, 3)]);
  assertEquals(pair.receiver.addressOf(3), "three:1");
  const answer: Message = { type: "heartbeatResponse", from: 2, to: 3, term: 1, context: 0 };
  pair.receiver.send([answer]);
  await pair.clock.advance(10);
  assertEquals(answers, [answer]);
  await pair.close();
});

import { assertEquals, assertRejects } from "@std/assert";
import { type RaftFrame, RaftTransportService } from "../../proto/gen/raft.ts";
import { KvError } from "../../rpc/errors.ts";
import { MemoryNetwork } from "../../rpc/memory_network.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import type { Message } from "../message.ts";
import { encodeMessage } from "./codec.ts";
import { RpcTransport } from "./rpc_transport.ts";

const clusterId = "5";
const members = new Map([[1, "one:1"], [2, "two:1"]]);

function heartbeat(commit: number): Message {
  return { type: "heartbeat", from: 1, to: 2, term: 1, commit, context: 0 };
}

class Pair {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork({ clock: this.clock });
  readonly received: Message[] = [];
  readonly sender = this.#transport(1);
  readonly receiver = this.#transport(2);

  constructor() {
    this.receiver.onMessage((message) => this.received.push(message));
    this.network.serve("one:1", [this.sender.route]);
    this.network.serve("two:1", [this.receiver.route]);
  }

  #transport(nodeId: number): RpcTransport {
    return new RpcTransport({
      identity: { clusterId, gid: 1, nodeId },
      members,
      dialer: this.network.dialer(members.get(nodeId)),
      clock: this.clock,
      prng: createPrng(nodeId),
      logger: silentLogger,
    });
  }

  async close(): Promise<void> {
    await this.clock.resolve(Promise.all([this.sender.close(), this.receiver.close()]), 5_000);
  }
}

Deno.test("RpcTransport carries messages in order", async () => {
  const pair = new Pair();
  await pair.clock.advance(1_000);
  pair.sender.send([heartbeat(1), heartbeat(2)]);
  pair.sender.send([heartbeat(3)]);
  await pair.clock.advance(10);
  assertEquals(pair.received, [heartbeat(1), heartbeat(2), heartbeat(3)]);
  await pair.close();
});

Deno.test("RpcTransport says that a peer is unreachable, and reaches it again", async () => {
  const pair = new Pair();
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

const frame: RaftFrame = {
  version: 1,
  clusterId,
  gid: 1,
  from: 1,
  to: 2,
  messages: [encodeMessage(heartbeat(1))],
};
const strange: readonly [string, Partial<RaftFrame>][] = [
  ["another cluster", { clusterId: "6" }],
  ["another group", { gid: 2 }],
  ["another receiver", { to: 3 }],
  ["this very node", { from: 2 }],
  ["a version of the future", { version: 2 }],
  ["a sender that speaks for another", { messages: [{ ...encodeMessage(heartbeat(1)), from: 3 }] }],
  ["a message of no known type", { messages: [{ ...encodeMessage(heartbeat(1)), type: 0 }] }],
];
for (const [what, difference] of strange) {
  Deno.test(`RpcTransport refuses a frame of ${what}`, async () => {
    const pair = new Pair();
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

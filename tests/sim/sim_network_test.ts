import { assert, assertEquals, assertRejects } from "@std/assert";
import { type RaftFrame, RaftTransportService } from "../../proto/gen/raft.ts";
import { ShardTransferServiceService } from "../../proto/gen/shardkv.ts";
import { encodeMessage } from "../../raft/node/transport/codec.ts";
import { KvError } from "../../rpc/errors.ts";
import { stream, unary } from "../../rpc/service.ts";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { Draw } from "./draw.ts";
import type { LinkOptions } from "./options.ts";
import { SimNetwork } from "./sim_network.ts";
import { Statistics } from "./statistics.ts";

const CALM: LinkOptions = {
  latencyMinMs: 1,
  latencyMaxMs: 2,
  breakOdds: 0,
  keepaliveMs: 1_000,
  dropChance: 0,
  repeatChance: 0,
  lateChance: 0,
  lateMaxMs: 500,
  callRepeatChance: 0,
  callLateMaxMs: 0,
};

/** Sends numbered heartbeats from one address to another, and returns what arrives. */
async function carry(links: Partial<LinkOptions>, count: number, before?: (n: SimNetwork) => void) {
  const clock = new VirtualClock();
  const statistics = new Statistics();
  const draw = new Draw(createPrng(3));
  const network = new SimNetwork({ clock, draw, links: { ...CALM, ...links }, statistics });
  const arrived: number[] = [];
  const server = network.serve("b", [
    stream(RaftTransportService.stream, async (call) => {
      for await (const frame of call.requests) {
        for (const { context } of (frame as RaftFrame).messages) arrived.push(context);
      }
    }),
  ]);
  before?.(network);
  const dialer = network.dialer("a");
  const call = dialer.channel("b").stream(RaftTransportService.stream);
  const ended = assertRejects(async () => {
    for await (const _ of call.responses);
  }, KvError);
  for (let context = 1; context <= count; context++) {
    const message = { type: "heartbeat", from: 1, to: 2, term: 1, commit: 0, context } as const;
    const frame = {
      ...{ version: 2, clusterId: "1", gid: 1, from: 1, to: 2 },
      ...{ fromIncarnation: "1", toIncarnation: "2", fromAddress: "" },
    };
    call.send({ ...frame, messages: [encodeMessage(message)] });
    await clock.advance(10);
  }
  await clock.advance(2_000);
  server.close();
  await clock.advance(2_000);
  await ended;
  await dialer.close();
  return { arrived, faults: statistics.figures(0, 0).faults };
}

const sent = Array.from({ length: 200 }, (_, i) => i + 1);

Deno.test("SimNetwork without faults delivers every Raft message once and in order", async () => {
  const { arrived, faults } = await carry({}, 200);
  assertEquals(arrived, sent);
  assertEquals(faults, {});
});

Deno.test("SimNetwork loses single Raft messages and goes on", async () => {
  const { arrived, faults } = await carry({ dropChance: 0.2 }, 200);
  assertEquals(arrived.length, 200 - (faults["message lost"] ?? 0));
  assert(arrived.length > 100 && arrived.length < 190, `${arrived.length} arrived`);
});

Deno.test("SimNetwork repeats single Raft messages", async () => {
  const { arrived, faults } = await carry({ repeatChance: 0.2 }, 200);
  assertEquals(new Set(arrived).size, 200);
  assertEquals(arrived.length, 200 + (faults["message repeated"] ?? 0));
  assert(arrived.length > 210, `${arrived.length} arrived`);
});

Deno.test("SimNetwork lets Raft messages overtake each other and loses none by it", async () => {
  const { arrived } = await carry({ lateChance: 0.2 }, 200);
  assertEquals([...arrived].sort((a, b) => a - b), sent);
  assert(arrived.some((context, i) => context < (arrived[i - 1] ?? 0)), "All came in order");
});

Deno.test("SimNetwork loses everything on a cut link, in that direction only", async () => {
  const there = await carry({}, 20, (network) => network.cut("a", "b"));
  assertEquals(there.arrived, []);
  const back = await carry({}, 20, (network) => network.cut("b", "a"));
  assertEquals(back.arrived.length, 20);
});

Deno.test("SimNetwork lets calls between groups arrive again, until it is healed", async () => {
  const clock = new VirtualClock();
  const statistics = new Statistics();
  const links = { ...CALM, callRepeatChance: 0.5, callLateMaxMs: 1_000 };
  const network = new SimNetwork({ clock, draw: new Draw(createPrng(3)), links, statistics });
  const arrived: number[] = [];
  network.serve("b", [
    unary(ShardTransferServiceService.dropShard, ({ shard }) => {
      arrived.push(shard);
      return Promise.resolve({});
    }),
  ]);
  const dialer = network.dialer("a");
  const drop = async (shard: number) => {
    const request = { configNum: 1, shard, gid: 1, storeId: "1" };
    const { dropShard } = ShardTransferServiceService;
    const answer = dialer.channel("b").unary(dropShard, request, { timeoutMs: 100 });
    await clock.advance(10);
    await answer;
  };
  for (let shard = 0; shard < 40; shard++) await drop(shard);
  await clock.advance(2_000);
  const repeated = statistics.figures(0, 0).faults["call repeated"] ?? 0;
  assert(repeated > 10 && repeated < 30, `${repeated} were repeated`);
  assertEquals(arrived.length, 40 + repeated);
  network.heal();
  await drop(40);
  await clock.advance(2_000);
  assertEquals(arrived.length, 41 + repeated);
  await dialer.close();
});

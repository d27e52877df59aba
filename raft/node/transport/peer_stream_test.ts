import { assertEquals, assertStringIncludes } from "@std/assert";
import { RaftTransportService } from "../../../proto/gen/raft.ts";
import { failedStream } from "../../../rpc/call_options.ts";
import { KvError } from "../../../rpc/errors.ts";
import { MemoryNetwork } from "../../../rpc/memory/memory_network.ts";
import { type Channel, stream } from "../../../rpc/service.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createPrng } from "../../../runtime/prng.ts";
import { VirtualClock } from "../../../runtime/virtual_clock.ts";
import { PeerStream, type PeerStreamOptions } from "./peer_stream.ts";

function optionsOf(clock: VirtualClock, channel: Channel): PeerStreamOptions {
  return {
    identity: { clusterId: "7", gid: 100, nodeId: 1 },
    incarnation: "1",
    address: "a:1",
    peer: 2,
    onWelcome: () => Promise.resolve(),
    peerAddress: channel.address,
    dialer: { channel: () => channel },
    clock,
    prng: createPrng(1),
    logger: silentLogger,
    onLoss: () => {},
    onGone: () => {},
  };
}

Deno.test("PeerStream tells of trouble once, and again while it lasts", async () => {
  const clock = new VirtualClock();
  const told: number[] = [];
  const refused = new KvError("UNAVAILABLE", "Nobody is there");
  const channel: Channel = {
    address: "a:2",
    unary: () => Promise.reject(refused),
    stream: () => failedStream(refused),
  };
  const peer = new PeerStream({
    ...optionsOf(clock, channel),
    logger: { ...silentLogger, warn: () => void told.push(Math.floor(clock.now() / 30_000)) },
  });
  await clock.advance(65_000);
  await peer.close();
  assertEquals(told, [0, 1, 2], "in which half minutes");
});

Deno.test("PeerStream gives a stream up that does not take a frame, and begins a new one", async () => {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock });
  let streams = 0;
  network.serve("a:2", [
    stream(RaftTransportService.stream, async (call) => {
      streams++;
      call.send({ bytesReceived: 0, incarnation: "2" });
      for await (const _ of call.requests);
    }),
  ]);
  const told: unknown[] = [];
  const peer = new PeerStream({
    ...optionsOf(clock, network.dialer("a:1").channel("a:2")),
    logger: { ...silentLogger, warn: (_, fields) => void told.push(fields?.error) },
  });
  await clock.advance(100);
  const entry = { index: 1, term: 1, kind: "normal", data: Buffer.alloc(5 << 20) } as const;
  peer.send({
    type: "append",
    from: 1,
    to: 2,
    term: 1,
    prevIndex: 0,
    prevTerm: 0,
    commit: 0,
    entries: [entry],
  });
  await clock.advance(1_000);
  await peer.close();
  assertEquals(streams, 2);
  assertEquals(told.length, 1);
  assertStringIncludes(String(told[0]), "Cannot send the request");
});

import { assertEquals } from "@std/assert";
import { failedStream } from "../../../rpc/call_options.ts";
import { KvError } from "../../../rpc/errors.ts";
import type { Channel } from "../../../rpc/service.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createPrng } from "../../../runtime/prng.ts";
import { VirtualClock } from "../../../runtime/virtual_clock.ts";
import { PeerStream, type PeerStreamOptions } from "./peer_stream.ts";

function optionsOf(clock: VirtualClock, channel: Channel): PeerStreamOptions {
  return {
    identity: { clusterId: "c", gid: 100, nodeId: 1 },
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

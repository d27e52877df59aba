import { assertEquals } from "@std/assert";
import type * as pb from "../../proto/gen/raft.ts";
import { failedStream } from "../../rpc/call_options.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Channel } from "../../rpc/service.ts";
import { ManualStream } from "../../rpc/testing/manual_stream.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import type { AppendRequest } from "../message.ts";
import { PeerStream, type PeerStreamOptions } from "./peer_stream.ts";

function optionsOf(clock: VirtualClock, channel: Channel): PeerStreamOptions {
  return {
    identity: { clusterId: "c", gid: 100, nodeId: 1 },
    incarnation: "1",
    address: "a:1",
    peer: 2,
    onWelcome: () => Promise.resolve(),
    channel,
    clock,
    prng: createPrng(1),
    logger: silentLogger,
    onLoss: () => {},
    onGone: () => {},
  };
}

/** A stream to a peer that has let this node in. */
async function open() {
  const clock = new VirtualClock();
  const stream = new ManualStream<pb.RaftFrame, pb.RaftCredit>();
  const peer = new PeerStream(optionsOf(clock, stream.channel("a:2")));
  stream.answer({ bytesReceived: 0, incarnation: "2" });
  await clock.advance(0);
  const introduction = stream.sent.length;
  /** Numbers of entries of the appends in each frame. */
  const frames = () =>
    stream.sent.slice(introduction).map(({ messages }) =>
      messages.map(({ entries }) => entries.length)
    );
  return { clock, peer, frames };
}

function append(fields: Pick<AppendRequest, "prevIndex" | "commit">, entries = 0): AppendRequest {
  const { prevIndex } = fields;
  return {
    type: "append",
    from: 1,
    to: 2,
    term: 3,
    prevTerm: 3,
    ...fields,
    entries: Array.from({ length: entries }, (_, i) => ({
      index: prevIndex + 1 + i,
      term: 3,
      kind: "normal" as const,
      data: new Uint8Array(1),
    })),
  };
}

Deno.test("PeerStream has a commit index wait for entries to travel with, but not for long", async () => {
  const { clock, peer, frames } = await open();
  peer.send(append({ prevIndex: 5, commit: 5 }));
  await clock.advance(9);
  assertEquals(frames(), [], "nobody waits for it");
  await clock.advance(1);
  assertEquals(frames(), [[0]], "but it is told");
  peer.send(append({ prevIndex: 5, commit: 5 }));
  await clock.advance(0);
  assertEquals(frames(), [[0], [0]], "a probe is not news of a commit, and somebody waits for it");
  await peer.close();
});

Deno.test("PeerStream drops an empty append that the next one outdoes, and no other", async () => {
  const { clock, peer, frames } = await open();
  peer.send(append({ prevIndex: 5, commit: 5 }));
  peer.send(append({ prevIndex: 5, commit: 5 }, 2));
  await clock.advance(0);
  assertEquals(
    frames(),
    [[2]],
    "it says all that the empty one would have said, and leaves at once",
  );
  peer.send(append({ prevIndex: 7, commit: 7 }));
  peer.send(append({ prevIndex: 6, commit: 7 }, 1));
  await clock.advance(0);
  assertEquals(frames(), [[2], [0, 1]], "that one does not begin where the empty one ends");
  await clock.advance(20);
  assertEquals(frames().length, 2, "what has left does not leave again");
  await peer.close();
});

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

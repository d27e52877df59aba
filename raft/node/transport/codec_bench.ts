/** What a leader and a follower do to one entry on its way: `deno task bench:micro raft/node`. */
import * as pb from "../../../proto/gen/raft.ts";
import type { Message } from "../../message.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";

/** As 256 puts of small values take together. */
const PROPOSAL_BYTES = 36_000;

const PROPOSAL = Buffer.alloc(PROPOSAL_BYTES, 7);
const PAYLOAD = { timeMs: 1_700_000_000_000, proposals: [PROPOSAL] };
const data = pb.EntryPayload.encode(PAYLOAD).finish();
const append: Message = {
  type: "append",
  from: 1,
  to: 2,
  term: 3,
  prevIndex: 41,
  prevTerm: 3,
  commit: 41,
  entries: [{ index: 42, term: 3, kind: "normal", data }],
};
const RESPONSE: Message = {
  type: "appendResponse",
  from: 2,
  to: 1,
  term: 3,
  index: 42,
  reject: false,
  hintIndex: 0,
  hintTerm: 0,
};

function frame(messages: readonly Message[]): pb.RaftFrame {
  return {
    version: 2,
    clusterId: "12345678901234567890",
    gid: 100,
    from: 1,
    to: 2,
    messages: messages.map(encodeMessage),
    fromIncarnation: "12345678901234567890",
    toIncarnation: "12345678901234567891",
    fromAddress: "",
  };
}

const appendBytes = Buffer.from(pb.RaftFrame.encode(frame([append])).finish());
const responseBytes = Buffer.from(pb.RaftFrame.encode(frame([RESPONSE])).finish());

Deno.bench(
  "EntryPayload.encode() of 256 puts",
  () => void pb.EntryPayload.encode(PAYLOAD).finish(),
);

Deno.bench("EntryPayload.decode() of 256 puts", () => void pb.EntryPayload.decode(data));

Deno.bench("encode a frame with an entry of 256 puts", () => {
  pb.RaftFrame.encode(frame([append])).finish();
});

Deno.bench("decode a frame with an entry of 256 puts", () => {
  pb.RaftFrame.decode(appendBytes).messages.map(decodeMessage);
});

Deno.bench("encode a frame with an acknowledgement", () => {
  pb.RaftFrame.encode(frame([RESPONSE])).finish();
});

Deno.bench("decode a frame with an acknowledgement", () => {
  pb.RaftFrame.decode(responseBytes).messages.map(decodeMessage);
});

import { assertEquals, assertThrows } from "@std/assert";
import { RaftMessage } from "../../../proto/gen/raft.ts";
import type { Message } from "../../message.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";

const ENVELOPE = { from: 1, to: 2, term: 3 };
const CONF_STATE = {
  voters: [1, 2, 3],
  learners: [4],
  votersOutgoing: [1, 2],
  learnersNext: [5],
  autoLeave: true,
};
const ENTRIES = [
  { index: 8, term: 2, kind: "normal" as const, data: Buffer.from([0, 255]) },
  { index: 9, term: 3, kind: "confChange" as const, data: Buffer.from("x") },
];
const MESSAGES: readonly Message[] = [
  {
    ...ENVELOPE,
    type: "preVote",
    lastIndex: 7,
    lastTerm: 2,
    force: false,
    commit: 6,
    commitTerm: 1,
  },
  { ...ENVELOPE, type: "vote", lastIndex: 7, lastTerm: 2, force: true, commit: 6, commitTerm: 1 },
  { ...ENVELOPE, type: "preVoteResponse", reject: true, commit: 6, commitTerm: 1 },
  { ...ENVELOPE, type: "voteResponse", reject: false, commit: 6, commitTerm: 1 },
  { ...ENVELOPE, type: "append", prevIndex: 7, prevTerm: 2, entries: ENTRIES, commit: 6 },
  { ...ENVELOPE, type: "append", prevIndex: 0, prevTerm: 0, entries: [], commit: 0 },
  { ...ENVELOPE, type: "appendResponse", index: 7, reject: true, hintIndex: 5, hintTerm: 1 },
  { ...ENVELOPE, type: "heartbeat", commit: 6, context: 11 },
  { ...ENVELOPE, type: "heartbeatResponse", context: 11 },
  { ...ENVELOPE, type: "snapshot", snapshot: { index: 9, term: 2, confState: CONF_STATE, id: 4 } },
  { ...ENVELOPE, type: "timeoutNow" },
  { ...ENVELOPE, type: "readIndex", context: 12 },
  { ...ENVELOPE, type: "readIndexResponse", context: 12, index: 9, reject: false },
];

function throughTheWire(message: Message): Message {
  const bytes = RaftMessage.encode(encodeMessage(message)).finish();
  return decodeMessage(RaftMessage.decode(bytes));
}

for (const message of MESSAGES) {
  Deno.test(`decodeMessage() gives back what encodeMessage() took: ${message.type}`, () => {
    assertEquals(throughTheWire(message), message);
  });
}

Deno.test("decodeMessage() refuses an unknown type", () => {
  const wire = { ...encodeMessage(MESSAGES[0] as Message), type: 99 };
  assertThrows(() => decodeMessage(wire), SyntaxError, "message type 99");
});

Deno.test("decodeMessage() refuses entries that do not follow each other", () => {
  const wire = encodeMessage(MESSAGES[4] as Message);
  assertThrows(
    () => decodeMessage({ ...wire, index: 6 }),
    SyntaxError,
    "after 6: entry 0 has index 8",
  );
});

Deno.test("decodeMessage() refuses a snapshot without voters", () => {
  const wire = encodeMessage(MESSAGES[9] as Message);
  assertThrows(() => decodeMessage({ ...wire, snapshot: undefined }), SyntaxError, "no voters");
});

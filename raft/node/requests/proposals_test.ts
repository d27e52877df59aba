import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { EntryPayload } from "../../../proto/gen/raft.ts";
import { KvError } from "../../../rpc/errors.ts";
import { lost, Proposals } from "./proposals.ts";

function texts(data: Uint8Array): string[] {
  return EntryPayload.decode(data).proposals.map(String);
}

Deno.test("Proposals.proposeNext() gathers what waits into one entry and settles it in order", async () => {
  const proposals = new Proposals();
  const replies = ["a", "b"].map((text) => proposals.enqueue(Buffer.from(text), "decided", 0));
  let data: Uint8Array = new Uint8Array();
  proposals.proposeNext(7, (bytes) => {
    data = bytes;
    return { index: 5, term: 2 };
  });
  assertEquals(texts(data), ["a", "b"]);
  assertEquals(EntryPayload.decode(data).timeMs, 7);
  assertEquals(proposals.hasQueued, false);
  proposals.settle(5, 2, ["A", "B"]);
  assertEquals(await Promise.all(replies), ["A", "B"]);
});

Deno.test("Proposals.proposeNext() bounds the values that an entry reads, but takes any single proposal", async () => {
  const proposals = new Proposals();
  const counts: number[] = [];
  const replies = [100, 28, 1, 500, 0].map((values) =>
    proposals.enqueue(Buffer.from("p"), "decided", values)
  );
  for (let index = 1; proposals.hasQueued; index++) {
    proposals.proposeNext(0, (data) => {
      counts.push(EntryPayload.decode(data).proposals.length);
      return { index, term: 1 };
    });
    proposals.settle(index, 1, Array(counts.at(-1)).fill("done"));
  }
  assertEquals(counts, [2, 1, 1, 1]);
  assertEquals(await Promise.all(replies), Array(5).fill("done"));
});

Deno.test("Proposals.settle() answers only those who do not wait for the engine", async () => {
  const proposals = new Proposals();
  const answered: string[] = [];
  const decided = proposals.enqueue(Buffer.from("a"), "decided", 0).then((it) =>
    answered.push(`${it}`)
  );
  const applied = proposals.enqueue(Buffer.from("b"), "applied", 0).then((it) =>
    answered.push(`${it}`)
  );
  proposals.proposeNext(0, () => ({ index: 1, term: 1 }));
  proposals.settle(1, 1, ["decided", "applied"]);
  await decided;
  assertEquals(answered, ["decided"]);
  proposals.applied(1);
  await applied;
  assertEquals(answered, ["decided", "applied"]);
});

Deno.test("Proposals.applied() answers proposals whose effect is in the engine, and no later ones", async () => {
  const proposals = new Proposals();
  const answered: string[] = [];
  const replies = ["a", "b", "c"].map((text, i) => {
    const reply = proposals.enqueue(Buffer.from(text), "applied", 0);
    proposals.proposeNext(0, () => ({ index: i + 1, term: 1 }));
    return reply.then((it) => answered.push(`${it}`));
  });
  for (const index of [1, 2, 3]) proposals.settle(index, 1, [index]);
  proposals.applied(2);
  await Promise.all(replies.slice(0, 2));
  assertEquals([answered, proposals.hasDecided], [["1", "2"], true]);
  proposals.applied(3);
  await Promise.all(replies);
  assertEquals([answered, proposals.hasDecided], [["1", "2", "3"], false]);
});

Deno.test("Proposals.settle() fails proposals whose index went to another term", async () => {
  const proposals = new Proposals();
  const reply = proposals.enqueue(Buffer.from("a"), "decided", 0);
  proposals.proposeNext(0, () => ({ index: 5, term: 2 }));
  proposals.settle(5, 3, []);
  const error = await assertRejects(() => reply, KvError);
  assertEquals(error.code, "LEADERSHIP_LOST");
});

Deno.test("Proposals.proposeNext() keeps the queue when the core refuses", async () => {
  const proposals = new Proposals();
  const reply = proposals.enqueue(Buffer.from("a"), "decided", 0);
  assertThrows(
    () =>
      proposals.proposeNext(0, () => {
        throw new RangeError("refused");
      }),
    RangeError,
  );
  assertEquals(proposals.hasQueued, true);
  proposals.proposeNext(0, () => ({ index: 1, term: 1 }));
  proposals.settle(1, 1, ["done"]);
  assertEquals(await reply, "done");
});

Deno.test("Proposals.enqueue() refuses what cannot travel in one message", async () => {
  const error = await assertRejects(
    () => new Proposals().enqueue(new Uint8Array(4 << 20), "decided", 0),
    KvError,
  );
  assertEquals(error.code, "INVALID_ARGUMENT");
});

Deno.test("Proposals.enqueue() refuses proposals with OVERLOADED when the queue is full", async () => {
  const proposals = new Proposals();
  const payload = new Uint8Array(1 << 20);
  const waiting = Array.from({ length: 64 }, () => proposals.enqueue(payload, "decided", 0));
  const error = await assertRejects(() => proposals.enqueue(payload, "decided", 0), KvError);
  assertEquals(error.code, "OVERLOADED");
  proposals.failQueued(lost());
  for (const reply of waiting) await assertRejects(() => reply, KvError);
  const late = proposals.enqueue(payload, "decided", 0);
  proposals.failQueued(lost());
  await assertRejects(() => late, KvError, "Lost the leadership");
});

import { assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { DeadlineError } from "../../client/calls/deadline_error.ts";
import { type ErrorCode, KvError } from "../../rpc/errors.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { HistoryRecorder, type KeyClerk } from "./recorder.ts";

function clerkOf(methods: Partial<KeyClerk>): KeyClerk {
  const missing = () => Promise.reject(new KvError("UNIMPLEMENTED", "Cannot do that"));
  return { get: missing, put: missing, append: missing, delete: missing, cas: missing, ...methods };
}

Deno.test("HistoryRecorder notes what was asked and answered, byte for byte", async () => {
  const recorder = new HistoryRecorder(new VirtualClock());
  const clerk = recorder.wrap(
    clerkOf({
      get: () => Promise.resolve(new Uint8Array([0, 255])),
      put: () => Promise.resolve(),
      append: () => Promise.resolve(),
      delete: () => Promise.resolve(false),
      cas: (_key, { expected }) =>
        Promise.resolve(
          expected === undefined
            ? { swapped: true, current: undefined }
            : { swapped: false, current: Buffer.from("y") },
        ),
    }),
    3,
  );
  assertEquals(await clerk.get("k"), new Uint8Array([0, 255]));
  await clerk.put("k", "ä");
  await clerk.append("k", new Uint8Array([1]));
  await clerk.delete("k");
  await clerk.cas("k", { expected: undefined, value: "x" });
  await clerk.cas("k", { expected: "x", value: undefined });
  const history = recorder.operations();
  assertEquals(history.map(({ input }) => input), [
    { op: "get", key: "k" },
    { op: "put", key: "k", value: "\xc3\xa4" },
    { op: "append", key: "k", value: "\x01" },
    { op: "delete", key: "k" },
    { op: "cas", key: "k", expected: undefined, value: "x" },
    { op: "cas", key: "k", expected: "x", value: undefined },
  ]);
  assertEquals(history.map(({ outcome }) => outcome), [
    { kind: "ok", output: { kind: "value", value: "\0\xff" } },
    { kind: "ok", output: { kind: "done" } },
    { kind: "ok", output: { kind: "done" } },
    { kind: "ok", output: { kind: "deleted", existed: false } },
    { kind: "ok", output: { kind: "swapped" } },
    { kind: "ok", output: { kind: "mismatch", current: "y" } },
  ]);
  assertEquals(history.map(({ client }) => client), [3, 3, 3, 3, 3, 3]);
});

Deno.test("HistoryRecorder orders the events of one millisecond as they happen", async () => {
  const clock = new VirtualClock();
  const recorder = new HistoryRecorder(clock);
  const release = Promise.withResolvers<void>();
  const slow = recorder.wrap(clerkOf({ put: () => release.promise }), 1);
  const quick = recorder.wrap(clerkOf({ put: () => Promise.resolve() }), 2);
  const first = slow.put("k", "a");
  await quick.put("k", "b");
  await quick.put("k", "c");
  await clock.advance(5);
  release.resolve();
  await first;
  const history = recorder.operations();
  assertEquals(history.map((o) => [o.invoke, o.return]), [[0, 5], [1, 2], [3, 4]]);
  assertEquals(history[0]?.times, { invokeMs: 0, returnMs: 5 });
});

Deno.test("HistoryRecorder takes a failed write as maybe unless it surely had no effect", async () => {
  const deadline = (maybe: boolean) =>
    new DeadlineError({ what: "a put", timeoutMs: 1, tried: [], maybe });
  const code = (code: ErrorCode) => new KvError(code, "Cannot put");
  const cases: [Error, "maybe" | "failed"][] = [
    [deadline(true), "maybe"],
    [deadline(false), "failed"],
    [code("LEADERSHIP_LOST"), "maybe"],
    [code("SESSION_EXPIRED"), "maybe"],
    [code("CANCELLED"), "maybe"],
    [code("NOT_LEADER"), "failed"],
    [code("INVALID_ARGUMENT"), "failed"],
    [new RangeError("Cannot use a key of 0 bytes"), "failed"],
    [new Error("Nobody knows"), "maybe"],
  ];
  for (const [error, kind] of cases) {
    const recorder = new HistoryRecorder(new VirtualClock());
    const clerk = recorder.wrap(
      clerkOf({ put: () => Promise.reject(error), get: () => Promise.reject(error) }),
      1,
    );
    await assertRejects(() => clerk.put("k", "v"));
    await assertRejects(() => clerk.get("k"));
    const kinds = recorder.operations().map(({ outcome }) => outcome.kind);
    assertEquals(kinds, [kind, "failed"], error.message);
  }
});

Deno.test("HistoryRecorder takes a write that is still under way as maybe", () => {
  const recorder = new HistoryRecorder(new VirtualClock());
  const never = new Promise<never>(() => {});
  const clerk = recorder.wrap(clerkOf({ append: () => never, get: () => never }), 1);
  void clerk.append("k", "v");
  void clerk.get("k");
  assertEquals(recorder.operations().map(({ outcome }) => outcome.kind), ["maybe", "failed"]);
});

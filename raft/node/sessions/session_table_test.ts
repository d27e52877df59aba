import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { SESSION_TTL_MS } from "../../../rpc/retry.ts";
import { SessionTable } from "./session_table.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("begin() answers a repeated write with its first reply", () => {
  const table = new SessionTable();
  assertEquals(table.begin("7", 1, 1, 0), { kind: "new" });
  table.finish("7", 1, bytes("first"));
  assertEquals(table.begin("7", 1, 1, 5), { kind: "repeat", reply: bytes("first") });
});

Deno.test("begin() lets the writes of one client come in any order", () => {
  const table = new SessionTable();
  for (const sequence of [3, 1, 2]) {
    assertEquals(table.begin("7", sequence, 1, 0), { kind: "new" });
    table.finish("7", sequence, bytes(`${sequence}`));
  }
  assertEquals(table.begin("7", 2, 1, 0), { kind: "repeat", reply: bytes("2") });
});

Deno.test("begin() refuses a write below the mark, whoever moved it", () => {
  const table = new SessionTable();
  assertEquals(table.begin("7", 4, 5, 0), { kind: "stale" });
  assertEquals(table.size, 0, "a refused write opens no session");
  table.begin("7", 9, 6, 0);
  table.finish("7", 9, bytes("9"));
  assertEquals(table.begin("7", 5, 2, 0), { kind: "stale" });
  assertEquals(table.begin("7", 6, 2, 0), { kind: "new" });
});

Deno.test("begin() remembers nothing for client 0", () => {
  const table = new SessionTable();
  table.begin("0", 1, 1, 0);
  table.finish("0", 1, bytes("x"));
  assertEquals(table.begin("0", 1, 1, 0), { kind: "new" });
  assertEquals(table.takeDirty(), []);
});

Deno.test("begin() says tooMany for a new client of a full table and still serves the others", () => {
  const table = new SessionTable({ sessionsMax: 2 });
  table.begin("1", 1, 1, 0);
  table.begin("2", 1, 1, 0);
  assertEquals(table.begin("3", 1, 1, 0), { kind: "tooMany" });
  assertEquals(table.begin("2", 2, 1, 0), { kind: "new" });
});

Deno.test("begin() says tooMany for a client that acknowledges nothing, until it does", () => {
  const table = new SessionTable({ repliesMax: 2 });
  for (const sequence of [1, 2]) {
    table.begin("1", sequence, 1, 0);
    table.finish("1", sequence, bytes("x"));
  }
  assertEquals(table.begin("1", 3, 1, 0), { kind: "tooMany" });
  assertEquals(table.begin("1", 3, 2, 0), { kind: "new" });
});

Deno.test("begin() says tooMany for a client whose replies take a megabyte, until it acknowledges some, also once loaded", () => {
  const table = new SessionTable();
  const reply = new Uint8Array(1_000);
  let next = 1;
  for (; table.begin("1", next, 1, 0).kind === "new"; next++) {
    assert(next < 2_000, `${next} replies are kept`);
    table.finish("1", next, reply);
  }
  assertEquals(next - 1, Math.ceil((1 << 20) / reply.length));
  const loaded = new SessionTable();
  for (const { clientId, record } of table.takeDirty()) loaded.load(clientId, record ?? reply);
  for (const each of [table, loaded]) {
    assertEquals(each.begin("1", next, 1, 0), { kind: "tooMany" });
    assertEquals(each.begin("1", next - 1, 1, 0), { kind: "repeat", reply });
    assertEquals(each.begin("2", 1, 1, 0), { kind: "new" }, "others are served");
    assertEquals(each.begin("1", next, 3, 0), { kind: "new" });
    each.finish("1", next, reply);
    assertEquals(each.begin("1", next + 1, 3, 0), { kind: "new" }, "two have gone, one has come");
    each.finish("1", next + 1, reply);
    assertEquals(each.begin("1", next + 2, 3, 0), { kind: "tooMany" });
  }
});

Deno.test("expire() forgets a session only after the whole idle time", () => {
  const table = new SessionTable();
  table.begin("1", 1, 1, 0);
  table.finish("1", 1, bytes("x"));
  table.expire(SESSION_TTL_MS - 1);
  assertEquals(table.size, 1);
  table.takeDirty();
  table.expire(SESSION_TTL_MS);
  assertEquals(table.size, 0);
  assertEquals(table.takeDirty(), [{ clientId: "1", record: undefined }]);
});

Deno.test("adopt() counts a session as used now, however far the other log's time is ahead or behind", () => {
  for (const usedMs of [0, 1_000_000]) {
    const table = new SessionTable({ ttlMs: 100 });
    const other = new SessionTable();
    other.begin("1", 1, 1, usedMs);
    other.finish("1", 1, bytes("x"));
    const record = other.takeDirty()[0]?.record;
    assert(record !== undefined);
    table.adopt("1", record, 5_000);
    assertEquals(table.takeDirty().length, 1);
    table.expire(5_099);
    assertEquals(table.begin("1", 1, 1, 5_000), { kind: "repeat", reply: bytes("x") });
    table.expire(5_100);
    assertEquals(table.size, 0);
  }
});

Deno.test("load() refuses every truncation of a record", () => {
  const table = new SessionTable();
  table.begin("1", 1, 1, 0);
  table.finish("1", 1, bytes("hello"));
  const record = table.takeDirty()[0]?.record;
  assert(record !== undefined);
  for (let length = 0; length < record.length; length++) {
    assertThrows(() => new SessionTable().load("1", record.subarray(0, length)), SyntaxError);
  }
});

interface Step {
  readonly client: number;
  readonly sequence: number;
  readonly lowest: number;
  readonly wait: number;
  readonly reload: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  client: fc.integer({ min: 1, max: 4 }),
  sequence: fc.integer({ min: 0, max: 12 }),
  lowest: fc.integer({ min: 0, max: 8 }),
  wait: fc.integer({ min: 0, max: 40 }),
  reload: fc.boolean(),
});

/** The obvious table: scans everything, knows no order. */
class PlainTable {
  readonly sessions = new Map<
    string,
    { used: number; mark: number; replies: Map<number, string> }
  >();

  write(clientId: string, { sequence, lowest }: Step, now: number, reply: string): string {
    if (sequence < lowest) return "stale";
    let session = this.sessions.get(clientId);
    if (session !== undefined && sequence < session.mark) return "stale";
    if (session === undefined) {
      session = { used: now, mark: lowest, replies: new Map() };
      this.sessions.set(clientId, session);
    }
    session.used = now;
    session.mark = Math.max(session.mark, lowest);
    const known = session.replies.get(sequence);
    if (known !== undefined) return known;
    session.replies.set(sequence, reply);
    return reply;
  }

  expire(now: number, ttl: number): void {
    for (const [id, session] of this.sessions) {
      if (session.used + ttl <= now) this.sessions.delete(id);
    }
  }
}

Deno.test("SessionTable agrees with a plain one, also when rebuilt from its records", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const options = { ttlMs: 100 };
      const plain = new PlainTable();
      const records = new Map<string, Buffer>();
      let table = new SessionTable(options);
      let now = 0;
      for (const [i, each] of steps.entries()) {
        now += each.wait;
        table.expire(now);
        plain.expire(now, options.ttlMs);
        const clientId = `${each.client}`;
        const verdict = table.begin(clientId, each.sequence, each.lowest, now);
        let got: string = verdict.kind;
        if (verdict.kind === "new") {
          got = `reply ${i}`;
          table.finish(clientId, each.sequence, bytes(got));
        } else if (verdict.kind === "repeat") {
          got = new TextDecoder().decode(verdict.reply);
        }
        assertEquals(got, plain.write(clientId, each, now, `reply ${i}`));
        for (const { clientId, record } of table.takeDirty()) {
          if (record === undefined) records.delete(clientId);
          else records.set(clientId, record);
        }
        if (each.reload) {
          table = new SessionTable(options);
          for (const [clientId, record] of records) table.load(clientId, record);
        }
      }
      assertEquals(table.size, plain.sessions.size);
      assertEquals(records.size, plain.sessions.size);
    }),
    { seed: 1, numRuns: 500 },
  );
});

/** What the journal of every storage engine must do; each engine runs the same suite. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineClosedError } from "../../storage/engine.ts";
import type { Journal } from "../../storage/journal/journal.ts";
import type { EngineFixture, EngineTest } from "./engine_fixture.ts";

/** Appends a record for each text. */
async function appendAll(journal: Journal, texts: readonly string[]): Promise<void> {
  for (const text of texts) await journal.append([Buffer.from(text)]);
}

/** The kept records as "1:a 2:b". */
async function textOf(journal: Journal): Promise<string> {
  const records = await Array.fromAsync(journal.records());
  return records.map(({ sequence, payload }) => `${sequence}:${payload}`).join(" ");
}

/**
 * Registers the tests of one engine's journal.
 *
 * @param name The engine's, put before each test's name
 * @param open Makes an engine on fresh storage
 */
export function testJournalConformance(name: string, open: () => Promise<EngineFixture>): void {
  const test: EngineTest = (what, body) => {
    Deno.test(`${name}'s journal ${what}`, async () => {
      const fixture = await open();
      try {
        await body(fixture.engine, fixture);
      } finally {
        await fixture.dispose();
      }
    });
  };
  testAppending(test);
  testOwnership(test);
  testForgetting(test);
  testClosing(test);
}

function testAppending(test: EngineTest): void {
  test("is empty at first, and after a restart", async ({ journal }, fixture) => {
    assertEquals(journal.newest, 0);
    assertEquals(await textOf(journal), "");
    const next = await fixture.reopen();
    assertEquals(next.journal.newest, 0);
    assertEquals(await textOf(next.journal), "");
  });

  test("numbers records from 1 without gaps", async ({ journal }) => {
    for (let sequence = 1; sequence <= 5; sequence++) {
      await journal.append([Buffer.from("x")]);
      assertEquals(journal.newest, sequence);
    }
  });

  test("reads records back after a restart, and goes on behind them", async (engine, fixture) => {
    await appendAll(engine.journal, ["a", "b", "c"]);
    let next = await fixture.reopen();
    assertEquals(next.journal.newest, 3);
    assertEquals(await textOf(next.journal), "1:a 2:b 3:c");
    await appendAll(next.journal, ["d"]);
    next = await fixture.reopen();
    assertEquals(next.journal.newest, 4);
    assertEquals(await textOf(next.journal), "1:a 2:b 3:c 4:d");
  });

  test("reads records as often as it is asked", async ({ journal }) => {
    await appendAll(journal, ["a", "b"]);
    assertEquals(await textOf(journal), "1:a 2:b");
    assertEquals(await textOf(journal), "1:a 2:b");
  });

  test("lets a reader stop early", async ({ journal }, fixture) => {
    await appendAll(journal, ["a", "b", "c"]);
    for await (const { sequence } of journal.records()) {
      if (sequence === 2) break;
    }
    await appendAll(journal, ["d"]);
    assertEquals(await textOf((await fixture.reopen()).journal), "1:a 2:b 3:c 4:d");
  });

  test("joins the parts of a record, of every byte and any length", async (engine, fixture) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const payloads = [
      [bytes],
      [bytes.subarray(7, 9), new Uint8Array(0), Buffer.from("x")],
      [new Uint8Array(1)],
      [Buffer.alloc(100_000, 1), Buffer.alloc(1_000_000, 2)],
    ];
    for (const payload of payloads) await engine.journal.append(payload);
    const next = await fixture.reopen();
    const records = await Array.fromAsync(next.journal.records());
    assertEquals(records.length, payloads.length);
    for (const [i, payload] of payloads.entries()) {
      assert(records[i]?.payload.equals(Buffer.concat(payload)), `Record ${i + 1} differs`);
    }
  });

  test("stays out of the engine's keys, and they out of it", async (engine, fixture) => {
    const everything = { start: Buffer.of(0), end: Buffer.of(255) };
    await appendAll(engine.journal, ["a"]);
    assertEquals(await engine.scan(everything), []);
    const put = { type: "put" as const, key: Buffer.from("k"), value: Buffer.from("v") };
    await Promise.all([engine.write([put], { sync: true }), appendAll(engine.journal, ["b"])]);
    await engine.clearRange(everything);
    const next = await fixture.reopen();
    assertEquals(await textOf(next.journal), "1:a 2:b");
    assertEquals(await next.scan(everything), []);
  });
}

function testOwnership(test: EngineTest): void {
  test("gives records away: changing them changes nothing", async ({ journal }, fixture) => {
    await appendAll(journal, ["abc", "def"]);
    for await (const { payload } of journal.records()) {
      assert(Buffer.isBuffer(payload));
      payload.fill(0);
    }
    assertEquals(await textOf(journal), "1:abc 2:def");
    const next = await fixture.reopen();
    for (const { payload } of await Array.fromAsync(next.journal.records())) payload.fill(0);
    assertEquals(await textOf(next.journal), "1:abc 2:def");
  });

  test("needs a record's parts no more once it is written", async ({ journal }, fixture) => {
    const part = Buffer.from("abc");
    const parts = [part];
    await journal.append(parts);
    part.fill("x");
    parts.push(part);
    await journal.append([part]);
    part.fill("y");
    assertEquals(await textOf(journal), "1:abc 2:xxx");
    assertEquals(await textOf((await fixture.reopen()).journal), "1:abc 2:xxx");
  });
}

function testForgetting(test: EngineTest): void {
  test("keeps what is not below the number when it forgets", async (engine, fixture) => {
    await appendAll(engine.journal, [..."abcdef"]);
    await engine.journal.forget(4);
    // Records below may stay for a while.
    assert("1:a 2:b 3:c 4:d 5:e 6:f".endsWith(await textOf(engine.journal)));
    for (let round = 0; round < 2; round++) {
      const { journal } = await fixture.reopen();
      assertEquals(journal.newest, 6);
      const text = await textOf(journal);
      assert("1:a 2:b 3:c 4:d 5:e 6:f".endsWith(text) && text.endsWith("4:d 5:e 6:f"), text);
    }
  });

  test("never forgets the newest record, nor its number", async (engine, fixture) => {
    await appendAll(engine.journal, ["a", "b", "c"]);
    await engine.journal.forget(1_000);
    const next = await fixture.reopen();
    assertEquals(next.journal.newest, 3);
    assert((await textOf(next.journal)).endsWith("3:c"));
    await next.journal.forget(4);
    await appendAll(next.journal, ["d"]);
    const last = await fixture.reopen();
    assertEquals(last.journal.newest, 4);
    assert((await textOf(last.journal)).endsWith("4:d"));
  });

  test("takes numbers of what is forgotten already", async ({ journal }, fixture) => {
    await journal.forget(1);
    await appendAll(journal, ["a", "b", "c"]);
    for (const below of [3, 2, 0, 3]) await journal.forget(below);
    const { journal: next } = await fixture.reopen();
    assert((await textOf(next)).endsWith("3:c"));
  });
}

function testClosing(test: EngineTest): void {
  for (const texts of [[], ["a", "b"]]) {
    test(`rejects calls after close(), with ${texts.length} records`, async (engine) => {
      const { journal } = engine;
      await appendAll(journal, texts);
      await engine.close();
      await assertRejects(() => journal.append([Buffer.from("c")]), EngineClosedError);
      await assertRejects(() => journal.forget(1), EngineClosedError);
      await assertRejects(() => textOf(journal), EngineClosedError);
    });
  }

  test("finishes calls under way when the engine is closed", async (engine, fixture) => {
    await appendAll(engine.journal, ["a"]);
    const calls = [engine.journal.append([Buffer.from("b")]), engine.journal.forget(1)];
    const read = textOf(engine.journal);
    await Promise.all([engine.close(), ...calls]);
    assert((await read).startsWith("1:a"));
    assertEquals(await textOf((await fixture.reopen()).journal), "1:a 2:b");
  });
}

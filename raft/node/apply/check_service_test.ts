import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  CheckServiceService,
  type HashRequest,
  type HashResponse,
} from "../../../proto/gen/check.ts";
import { KvError } from "../../../rpc/errors.ts";
import { machineKey, machinePrefix } from "../../../storage/key_space.ts";
import type { NodeId } from "../../types.ts";
import { TestGroup } from "../testing/test_group.ts";

/** A stream to one node's service. */
class Check {
  readonly #group: TestGroup;
  readonly #stream;
  readonly #responses: AsyncIterator<HashResponse>;

  constructor(group: TestGroup, id: NodeId) {
    this.#group = group;
    this.#stream = group.network.dialer("checker").channel(group.address(id))
      .stream(CheckServiceService.hash);
    this.#responses = this.#stream.responses[Symbol.asyncIterator]();
  }

  ask(request: Partial<HashRequest>): Promise<HashResponse> {
    this.#stream.send({ index: 0, waitMs: 0, hash: false, ...request });
    return this.listen();
  }

  /** Waits for an answer, or the end, without asking. */
  listen(): Promise<HashResponse> {
    return this.#responses.next().then(({ value }) => value);
  }

  /** Asks, and lets time go on until there is an answer. */
  answer(request: Partial<HashRequest>): Promise<HashResponse> {
    return this.#group.clock.resolve(this.ask(request), 20_000);
  }

  cancel(): void {
    this.#stream.cancel();
  }
}

async function withGroup(body: (group: TestGroup) => Promise<void>): Promise<void> {
  const group = await TestGroup.start(3);
  try {
    await body(group);
    assertEquals(group.failures, []);
  } finally {
    await group.stop();
  }
}

Deno.test("CheckService: replicas at one index hash alike, and another index hashes otherwise", () =>
  withGroup(async (group) => {
    await group.write("x=a");
    const seen = new Set<string>();
    for (const text of ["x=b", "y=c"]) {
      await group.write(text);
      await group.converge();
      const checks = group.ids.map((id) => new Check(group, id));
      const looks = await Promise.all(checks.map((check) => check.answer({})));
      const hashes = await Promise.all(checks.map((check) => check.answer({ hash: true })));
      assertEquals(new Set(looks.map(({ index }) => index)).size, 1);
      assertEquals(new Set(hashes.map(({ sha256 }) => sha256.toString("hex"))).size, 1);
      assertEquals(hashes[0]?.sha256.length, 32);
      assert(hashes.every(({ gid, records }) => gid === 1 && records >= 3));
      seen.add(hashes[0]?.sha256.toString("hex") ?? "");
      for (const check of checks) check.cancel();
    }
    assertEquals(seen.size, 2);
  }));

Deno.test("CheckService looks at exactly the index it was asked for while commands stream in", () =>
  withGroup(async (group) => {
    const leader = group.node(await group.leader());
    await group.write("x=0");
    await group.converge();
    const target = leader.status().applied + 20;
    const checks = group.ids.map((id) => new Check(group, id));
    const looks = checks.map((check) => check.ask({ index: target, waitMs: 10_000 }));
    // Rounds of several entries each, which replicas apply in batches of their own.
    for (let i = 0; i < 60; i++) {
      const replies = Array.from(
        { length: 3 },
        (_, j) => leader.propose(Buffer.from(`x=${i}${j}`)),
      );
      await group.clock.resolve(Promise.all(replies), 5_000);
    }
    const seen = await group.clock.resolve(Promise.all(looks), 20_000);
    assertEquals(seen.map(({ index }) => index), [target, target, target]);
    assert(leader.status().applied > target);
    const hashes = await Promise.all(checks.map((check) => check.answer({ hash: true })));
    assertEquals(new Set(hashes.map(({ sha256 }) => sha256.toString("hex"))).size, 1);
    for (const check of checks) check.cancel();
  }));

Deno.test("CheckService tells what is applied if the index was passed or does not come", () =>
  withGroup(async (group) => {
    await group.write("x=a");
    await group.write("x=b");
    await group.converge();
    const { applied } = group.node(1).status();
    const check = new Check(group, 1);
    assertEquals((await check.answer({ index: applied - 1, waitMs: 1_000 })).index, applied);
    assertEquals((await check.answer({ index: applied + 5, waitMs: 1_000 })).index, applied);
    check.cancel();
  }));

Deno.test("CheckService finds a record that was damaged on one replica, and one that is missing", () =>
  withGroup(async (group) => {
    for (const name of ["x", "y", "z"]) await group.write(`${name}=a`);
    await group.converge();
    const hashOf = async (id: NodeId) => {
      const check = new Check(group, id);
      await check.answer({});
      const { sha256 } = await check.answer({ hash: true });
      check.cancel();
      await group.clock.advance(10);
      return sha256.toString("hex");
    };
    const sound = await hashOf(1);
    const key = (name: string) => machineKey(machinePrefix(1), Buffer.from(`register/${name}`));
    const value = Buffer.from("b");
    await group.engine(2).write([{ type: "put", key: key("y"), value }], { sync: false });
    await group.engine(3).write([{ type: "del", key: key("z") }], { sync: false });
    const [second, third] = [await hashOf(2), await hashOf(3)];
    assertEquals(await hashOf(1), sound);
    assertEquals(new Set([sound, second, third]).size, 3);
  }));

Deno.test("CheckService does one check at a time, and hashes only what a view was opened for", () =>
  withGroup(async (group) => {
    await group.write("x=a");
    const first = new Check(group, 1);
    await assertRejects(() => first.answer({ hash: true }), KvError, "nobody has looked");
    const second = new Check(group, 1);
    await second.answer({});
    const error = await assertRejects(() => new Check(group, 1).answer({}), KvError);
    assertEquals(error.code, "OVERLOADED");
    second.cancel();
    await group.clock.advance(10);
    assertEquals((await new Check(group, 1).answer({})).gid, 1);
  }));

Deno.test("CheckService ends a check whose caller is silent for half a minute, and takes the next one", () =>
  withGroup(async (group) => {
    await group.write("x=a");
    const neverAsks = new Check(group, 1);
    const silent = assertRejects(() => neverAsks.listen(), KvError, "no request came for 30000 ms");
    await group.clock.advance(30_100);
    assertEquals((await silent).code, "DEADLINE_EXCEEDED");
    const looksOnly = new Check(group, 1);
    await looksOnly.answer({});
    await group.clock.advance(29_000);
    await looksOnly.answer({});
    await group.clock.advance(29_000);
    assertEquals((await looksOnly.answer({ hash: true })).sha256.length, 32, "It was not silent");
    const ended = assertRejects(() => looksOnly.listen(), KvError);
    await group.clock.advance(30_100);
    assertEquals((await ended).code, "DEADLINE_EXCEEDED");
    assertEquals((await new Check(group, 1).answer({})).gid, 1);
  }));

Deno.test("RaftNode.stop() ends a check that is under way", () =>
  withGroup(async (group) => {
    await group.write("x=a");
    const check = new Check(group, 1);
    const answer = check.ask({ index: 1_000_000, waitMs: 10_000 });
    await group.clock.advance(10);
    const failure = assertRejects(() => answer, KvError);
    await group.clock.resolve(group.node(1).stop(), 1_000);
    assertEquals((await group.clock.resolve(failure, 1_000)).code, "UNAVAILABLE");
  }));

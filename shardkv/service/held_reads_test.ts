/** Values that were read and wait for the writes of their requests: how many bytes a replica keeps so. */
import { assert, assertEquals } from "@std/assert";
import {
  type BatchRequest,
  type BatchResponse,
  ResultCode,
  WriteBatch,
} from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { HELD_BYTES_MAX, RESPONSE_BYTES_MAX } from "../limits.ts";
import { bytes, configChain, MachineHarness, write } from "../testing/machine_harness.ts";
import { FakeLog, kvServiceOn } from "../testing/service_harness.ts";

const VALUE_BYTES = 1 << 20;
/** Values of one response. */
const VALUES = RESPONSE_BYTES_MAX / VALUE_BYTES;
/** Requests whose values are more than may be held. */
const HOLDING = Math.floor(HELD_BYTES_MAX / RESPONSE_BYTES_MAX) + 1;
const LARGE = bytes("large");
const NO_BYTES = Buffer.alloc(0);

/** A request that reads as much as a response holds, and writes unless it is told not to. */
function request(id: number, writes = true): BatchRequest {
  const commands = [write({ key: bytes("other"), value: bytes(`${id}`) })];
  const batch = WriteBatch.encode({ clientId: "0", lowestUnanswered: 0, commands }).finish();
  const getKeys = new Array<Buffer>(VALUES).fill(LARGE);
  const rest = { id, ageMs: 0, anyReplica: false };
  return { ...rest, writes: writes ? Buffer.from(batch) : NO_BYTES, getKeys };
}

/** A service whose log takes no write before the test says so. */
async function service() {
  const group = new MachineHarness(100);
  for (const config of configChain([100])) await group.config(config);
  await group.write([write({ key: LARGE, value: Buffer.alloc(VALUE_BYTES, 7) })]);
  const log = new FakeLog(group);
  const propose = log.propose.bind(log);
  const held: PromiseWithResolvers<void>[] = [];
  log.propose = async (payload) => {
    const gate = Promise.withResolvers<void>();
    held.push(gate);
    await gate.promise;
    return await propose(payload);
  };
  let reads = 0;
  const reader = Object.create(group.reader, {
    getMany: {
      value: (keys: Buffer[]) => {
        reads += keys.length;
        return group.reader.getMany(keys);
      },
    },
  });
  Object.defineProperty(log, "reader", { value: reader });
  const clock = new VirtualClock();
  const kv = kvServiceOn({ log, group, clock });
  /** Executes so many, one after the other as far as they are read. */
  const execute = async (count: number, writes = true) => {
    const answers: Promise<BatchResponse>[] = [];
    for (let id = 0; id < count; id++) {
      answers.push(kv.execute(request(id, writes)));
      await clock.advance(0);
    }
    return answers;
  };
  /** How many requests have been read for. */
  const read = () => reads / VALUES;
  const close = () => group.close();
  return { kv, clock, held, execute, read, close };
}

function assertWhole({ getResults }: BatchResponse): void {
  const lengths = getResults.map(({ code, value }) => [code, value.length]);
  assertEquals(lengths, new Array(VALUES).fill([ResultCode.RESULT_OK, VALUE_BYTES]));
}

Deno.test("execute() reads nothing more while so many values wait for writes, and goes on as these end", async () => {
  const { kv, clock, held, execute, read, close } = await service();
  // What comes together is read together: so much more is held.
  const extra = 4;
  const answers = Array.from({ length: HOLDING + extra }, (_, id) => kv.execute(request(id)));
  await clock.advance(0);
  answers.push(...await execute(2));
  assertEquals([held.length, read()], [HOLDING + extra + 2, HOLDING + extra]);
  // Each that ends gives back its own bytes and no others'.
  for (let ended = 1; ended <= extra + 1; ended++) {
    held.shift()?.resolve();
    await clock.advance(0);
    assertEquals(read() > HOLDING + extra, ended > extra, `${ended} have ended`);
  }
  for (const gate of held) gate.resolve();
  for (const answer of await Promise.all(answers)) assertWhole(answer);
  await close();
});

Deno.test("execute() has reads without writes wait as well, and counts none of theirs", async () => {
  const { held, execute, read, close } = await service();
  const alone = await execute(2 * HOLDING, false);
  for (const answer of await Promise.all(alone)) assertWhole(answer);
  assertEquals(read(), 2 * HOLDING);
  const writing = await execute(HOLDING);
  const waiting = await execute(2, false);
  assertEquals(read(), 3 * HOLDING);
  for (const gate of held) gate.resolve();
  for (const answer of await Promise.all([...writing, ...waiting])) assertWhole(answer);
  await close();
});

Deno.test("execute() gives back what was held for writes that fail", async () => {
  const { clock, held, execute, read, close } = await service();
  const failing = (await execute(HOLDING)).map((answer) => answer.catch(KvError.from));
  const next = await execute(2);
  assertEquals(read(), HOLDING);
  const lost = new KvError("LEADERSHIP_LOST", "It may have happened");
  for (const gate of held.splice(0, HOLDING)) gate.reject(lost);
  assertEquals(new Set(await Promise.all(failing)), new Set([lost]));
  await clock.advance(0);
  assertEquals(read(), HOLDING + 2);
  for (const gate of held) gate.resolve();
  for (const answer of await Promise.all(next)) assertWhole(answer);
  await close();
});

Deno.test("a request whose caller is gone before its turn is not read for, and holds nobody up", async () => {
  const { kv, clock, held, execute, read, close } = await service();
  const before = await execute(HOLDING);
  const route = kv.routes.find(({ kind }) => kind === "stream");
  assert(route?.kind === "stream");
  const caller = new AbortController();
  async function* requests() {
    yield request(1, false);
    await clock.advance(0);
  }
  const sent: BatchResponse[] = [];
  const serving = route.handler({
    requests: requests(),
    send: (response: BatchResponse) => sent.push(response),
    signal: caller.signal,
    peer: "test",
    metadata: () => undefined,
  });
  await clock.advance(0);
  const behind = await execute(1, false);
  caller.abort(new KvError("CANCELLED", "The caller is gone"));
  for (const gate of held) gate.resolve();
  await serving;
  for (const answer of await Promise.all([...before, ...behind])) assertWhole(answer);
  assertEquals([read(), sent.map(({ error }) => error)], [HOLDING + 1, ["CANCELLED"]]);
  await close();
});

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ResultCode, type WriteCommand, WriteOp } from "../../proto/gen/shardkv.ts";
import { shardOf } from "../../shardctrler/configuration/shard_hash.ts";
import { bytes, configChain, MachineHarness, write, writes } from "../testing/machine_harness.ts";

const SHARDS = 3;
const VALUE_BYTES_MAX = 6;

interface Step {
  readonly client: number;
  readonly commands: readonly WriteCommand[];
  /** Send the batch twice. */
  readonly again: boolean;
  readonly restart: boolean;
}

const text = fc.string({ maxLength: 4 }).map(bytes);
const key = fc.constantFrom("a", "b", "c", "d").map(bytes);
const command: fc.Arbitrary<Partial<WriteCommand>> = fc.record({
  op: fc.constantFrom(
    WriteOp.WRITE_OP_PUT,
    WriteOp.WRITE_OP_APPEND,
    WriteOp.WRITE_OP_DELETE,
    WriteOp.WRITE_OP_CAS,
  ),
  key,
  value: text,
  expected: text,
  expectAbsent: fc.boolean(),
  deleteOnMatch: fc.boolean(),
});
const step: fc.Arbitrary<Step> = fc.record({
  client: fc.integer({ min: 0, max: 2 }),
  commands: fc.array(command.map(write), { minLength: 1, maxLength: 6 }),
  again: fc.boolean(),
  restart: fc.boolean(),
});

/** What a command does to a plain map; the name of its result. */
function execute(model: Map<string, string>, command: WriteCommand): ResultCode {
  const name = `${command.key}`;
  const old = model.get(name);
  const set = (value: string) => {
    if (value.length > VALUE_BYTES_MAX) return ResultCode.RESULT_VALUE_TOO_LARGE;
    model.set(name, value);
    return ResultCode.RESULT_OK;
  };
  switch (command.op) {
    case WriteOp.WRITE_OP_PUT:
      return set(`${command.value.toString("latin1")}`);
    case WriteOp.WRITE_OP_APPEND:
      return set((old ?? "") + command.value.toString("latin1"));
    case WriteOp.WRITE_OP_DELETE:
      return model.delete(name) ? ResultCode.RESULT_OK : ResultCode.RESULT_NO_KEY;
    default: {
      const expected = command.expectAbsent ? undefined : command.expected.toString("latin1");
      if (old !== expected) return ResultCode.RESULT_MISMATCH;
      if (!command.deleteOnMatch) return set(command.value.toString("latin1"));
      model.delete(name);
      return ResultCode.RESULT_OK;
    }
  }
}

Deno.test("the write path agrees with a plain map, whatever is sent again or restarted", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const group = new MachineHarness(1);
      const [one] = configChain([1, 1, 1]);
      assert(one !== undefined);
      await group.config(one);
      const model = new Map<string, string>();
      let sequence = 1;
      for (const { client, commands, again, restart } of steps) {
        const numbered = commands.map((command) => ({ ...command, sequence: sequence++ }));
        const lowestUnanswered = numbered[0]?.sequence ?? 0;
        const options = { clientId: `${client}`, lowestUnanswered, valueBytesMax: VALUE_BYTES_MAX };
        const payload = writes(numbered, options);
        const expected = numbered.map((command) => execute(model, command));
        // Without a session a repetition would be executed again.
        const repeats = again && client !== 0;
        const replies = await group.apply(...repeats ? [payload, payload] : [payload]);
        for (const reply of replies) {
          assert(reply.kind === "writes");
          assertEquals(reply.results.map(({ code }) => code), expected);
        }
        if (restart) await group.restart();
      }
      const figures = new Map<number, [number, number]>([[0, [0, 0]], [1, [0, 0]], [2, [0, 0]]]);
      for (const [name, value] of model) {
        assertEquals(Buffer.from(await group.raw(name) ?? []).toString("latin1"), value);
        const figure = figures.get(shardOf(bytes(name), SHARDS));
        assert(figure !== undefined);
        figure[0]++;
        figure[1] += name.length + value.length;
      }
      assertEquals(
        new Map(group.machine.figures().map(({ shard, keys, bytes }) => [shard, [keys, bytes]])),
        figures,
      );
      await group.close();
    }),
    { numRuns: 150 },
  );
});

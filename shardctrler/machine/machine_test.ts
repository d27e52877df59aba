import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ControllerCommand } from "../../proto/gen/shardctrler.ts";
import type { MachineReader } from "../../raft/node/apply/state_machine.ts";
import { SESSION_TTL_MS } from "../../rpc/retry.ts";
import { encodeChange } from "../configuration/change_codec.ts";
import type { ConfigChange } from "../configuration/change.ts";
import type { Config } from "../configuration/config.ts";
import { MachineHost } from "../testing/machine_host.ts";
import { configRange, sessionRange } from "./machine_keys.ts";
import type { ControllerReply } from "./machine_records.ts";
import { readConfig } from "./machine_store.ts";

function initialize(shards: number, storeId = "7"): Uint8Array {
  return ControllerCommand.encode({ initializeShards: shards, change: undefined, storeId })
    .finish();
}

function request(clientId: string, sequence: number, change: ConfigChange): Uint8Array {
  const message = { clientId, sequence, change: encodeChange(change) };
  return ControllerCommand.encode({ initializeShards: 0, change: message, storeId: "0" }).finish();
}

function join(...gids: number[]): ConfigChange {
  return { kind: "join", groups: new Map(gids.map((gid) => [gid, [`host-${gid}:6001`]])) };
}

function refusal(reply: ControllerReply): string {
  assert(reply.kind === "refused");
  return `${reply.refusal.code}: ${reply.refusal.message}`;
}

Deno.test("ControllerMachine fixes the number of shards with its first command", async () => {
  const host = new MachineHost();
  assertEquals(
    refusal(await host.apply(request("0", 1, join(1)))),
    "NOT_READY: Cannot change the configuration: the cluster is still starting",
  );
  assertEquals(await host.apply(initialize(10)), { kind: "config", num: 0 });
  assertEquals(await host.apply(initialize(10)), { kind: "config", num: 0 });
  assertEquals(
    refusal(await host.apply(initialize(11))),
    "REFUSED: Cannot use 11 shards: the cluster was made with 10",
  );
  assertEquals(host.machine.latest?.shards, new Array(10).fill(0));
});

Deno.test("ControllerMachine keeps the store id of its first command in every configuration", async () => {
  const host = new MachineHost();
  await host.apply(initialize(4, "7"));
  // What another leader drew at the same time comes too late.
  await host.apply(initialize(4, "8"));
  await host.apply(request("0", 1, join(1, 2)));
  await host.apply(request("0", 2, { kind: "move", shard: 0, gid: 2 }));
  await host.apply(request("0", 3, { kind: "leave", gids: [1], force: false }));
  await host.apply(request("0", 4, { kind: "leave", gids: [2], force: true }));
  const restarted = await host.restart();
  await restarted.apply(request("0", 5, join(3)));
  const configs = await history(host.reader);
  assert(configs.length > 5);
  assertEquals(configs.map(({ storeId }) => storeId), configs.map(() => "7"));
});

Deno.test("ControllerMachine refuses more shards than a configuration can carry", async () => {
  const host = new MachineHost();
  assertEquals(
    refusal(await host.apply(initialize(16_385))),
    "INVALID_ARGUMENT: Cannot use 16385 shards: at most 16384 are allowed",
  );
});

Deno.test("ControllerMachine keeps every configuration under its number", async () => {
  const host = new MachineHost();
  await host.apply(initialize(4));
  for (let gid = 1; gid <= 5; gid++) await host.apply(request("0", 1, join(gid)));
  const restarted = await host.restart();
  assertEquals(restarted.machine.latest?.num, 5);
  for (let num = 0; num <= 5; num++) {
    const config = await readConfig(restarted.reader, num);
    assertEquals([config.num, config.groups.size], [num, num]);
  }
});

Deno.test("ControllerMachine makes no configuration of a change that is refused", async () => {
  const host = new MachineHost();
  await host.apply(initialize(4));
  assertEquals(
    refusal(await host.apply(request("7", 1, { kind: "leave", gids: [9], force: false }))),
    "NOT_FOUND: Cannot leave group 9: it is not part of the cluster",
  );
  assertEquals(host.machine.latest?.num, 0);
  assertEquals(host.published.length, 1);
});

Deno.test("ControllerMachine answers a repeated change as it did the first time, also after a restart", async () => {
  let host = new MachineHost();
  await host.apply(initialize(4));
  const first = await host.apply(request("7", 1, join(1)));
  assertEquals(first, { kind: "config", num: 1 });
  await host.apply(request("8", 1, join(2)));
  assertEquals(await host.apply(request("7", 1, join(1))), first);
  host = await host.restart();
  assertEquals(await host.apply(request("7", 1, join(1))), first);
  assertEquals(host.machine.latest?.num, 2);

  const refused = await host.apply(request("7", 2, join(1)));
  await host.apply(request("8", 2, { kind: "leave", gids: [1], force: false }));
  assertEquals(await host.apply(request("7", 2, join(1))), refused);
  assertEquals(
    refusal(await host.apply(request("7", 1, join(1)))),
    "SESSION_EXPIRED: Cannot tell whether the change was made: its client has made a later one since",
  );
});

Deno.test("ControllerMachine knows every session again after a restart, however many there are", async () => {
  const host = new MachineHost();
  await host.apply(initialize(4));
  await host.apply(request("1", 1, join(1, 2)));
  // More than are read at once; each run of the command line is a client of its own.
  const moves = Array.from({ length: 1_100 }, (_, i) => {
    return request(String(i + 2), 1, { kind: "move", shard: 0, gid: 1 + i % 2 });
  });
  const first = await host.applyBatch(moves);
  const restarted = await host.restart();
  assertEquals(await restarted.applyBatch(moves), first);
});

Deno.test("ControllerMachine forgets idle sessions by the log's time", async () => {
  const host = new MachineHost();
  await host.apply(initialize(4));
  await host.apply(request("7", 1, join(1)), 1_000);
  await host.apply(request("8", 1, join(2)), 1_000 + SESSION_TTL_MS);
  // Nothing is left to tell the late repetition from a new change.
  assertEquals(
    refusal(await host.apply(request("7", 1, join(1)), 2_000 + SESSION_TTL_MS)),
    "ALREADY_EXISTS: Cannot join group 1: it is part of the cluster",
  );
  const sessions = sessionRange();
  const left = async () => (await host.reader.scan(sessions.start, sessions.end, {})).length;
  assertEquals(await left(), 2);
  await host.apply(request("9", 1, join(3)), 3_000 + 2 * SESSION_TTL_MS);
  assertEquals(await left(), 1, "what is forgotten is not kept on disk either");
  await host.restart();
});

Deno.test("ControllerMachine starts again from before its first configuration", async () => {
  const host = new MachineHost();
  await host.apply(request("7", 1, join(1)), 5_000);
  const restarted = await host.restart();
  assertEquals([restarted.machine.latest, restarted.machine.timeMs], [undefined, 5_000]);
  assertEquals(await restarted.apply(initialize(10)), { kind: "config", num: 0 });
});

Deno.test("ControllerMachine lets time stand still rather than go back", async () => {
  const host = new MachineHost();
  await host.apply(initialize(4), 10 * SESSION_TTL_MS);
  const restarted = await host.restart();
  await restarted.apply(request("7", 1, join(1)), 5);
  await restarted.apply(request("8", 1, join(2)), 10 * SESSION_TTL_MS + 1);
  assertEquals(await restarted.apply(request("7", 1, join(1)), 6), { kind: "config", num: 1 });
});

Deno.test("ControllerMachine answers bytes that are no command", async () => {
  const host = new MachineHost();
  await host.apply(initialize(4));
  const unknown = ControllerCommand.encode({
    initializeShards: 0,
    change: { clientId: "7", sequence: 1, change: undefined },
    storeId: "0",
  }).finish();
  for (const payload of [new Uint8Array(), new Uint8Array([255, 255]), unknown]) {
    assertEquals(refusal(await host.apply(payload)).split(":")[0], "INVALID_ARGUMENT");
  }
});

Deno.test("ControllerMachine publishes a configuration only when it can be read", async () => {
  const host = new MachineHost();
  await host.apply(initialize(4));
  await host.apply(request("0", 1, join(1)));
  assertEquals(host.published.map((config) => config.num), [0, 1]);
  const batch = [request("0", 1, join(2)), request("0", 1, join(3))];
  await host.applyBatch(batch);
  assertEquals(host.published.map((config) => config.num), [0, 1, 3]);
  const restarted = await host.restart();
  assertEquals(restarted.published.map((config) => config.num), [3]);
});

const anyChange: fc.Arbitrary<ConfigChange> = fc.oneof(
  fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 })
    .map((gids) => join(...gids)),
  fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 })
    .map((gids): ConfigChange => ({ kind: "leave", gids, force: true })),
  fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 6 }))
    .map(([shard, gid]): ConfigChange => ({ kind: "move", shard, gid })),
);

Deno.test("ControllerMachine keeps the same history on replicas that restart at any time", async () => {
  const clients = fc.constantFrom("0", "7", "8");
  const steps = fc.array(
    fc.tuple(clients, fc.integer({ min: 1, max: 4 }), anyChange, fc.boolean()),
    {
      maxLength: 25,
    },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (commands) => {
      const steady = new MachineHost();
      let restless = new MachineHost();
      await steady.apply(initialize(10));
      await restless.apply(initialize(10));
      for (const [client, sequence, change, restart] of commands) {
        const payload = request(client, sequence, change);
        assertEquals(await restless.apply(payload), await steady.apply(payload));
        if (restart) restless = await restless.restart();
      }
      assertEquals(await history(restless.reader), await history(steady.reader));
      assertEquals(restless.contents(), steady.contents());
    }),
    { seed: 4, numRuns: 100 },
  );
});

async function history(reader: MachineReader): Promise<Config[]> {
  const { start, end } = configRange();
  const pairs = await reader.scan(start, end);
  return await Promise.all(pairs.map((_, num) => readConfig(reader, num)));
}

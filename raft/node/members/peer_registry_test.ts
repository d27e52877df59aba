import { assertEquals, assertRejects } from "@std/assert";
import { KvError } from "../../../rpc/errors.ts";
import { createPrng } from "../../../runtime/prng.ts";
import { EngineError } from "../../../storage/engine.ts";
import { nodeKey } from "../../../storage/key_space.ts";
import { MemoryEngine } from "../../../storage/memory_engine.ts";
import { PeerRegistry } from "./peer_registry.ts";

function load(engine: MemoryEngine, mustMeet: readonly number[] = []): Promise<PeerRegistry> {
  return PeerRegistry.load({ engine, self: 1, mustMeet });
}

Deno.test("PeerRegistry.admit() remembers whom it has met, beyond a power cut", async () => {
  const engine = new MemoryEngine();
  await (await load(engine)).admit(2, "77");
  const registry = await load(engine.crash(createPrng(1)));
  assertEquals(registry.incarnationOf(2), "77");
  await registry.admit(2, "77");
  const error = await assertRejects(() => registry.admit(2, "78"), KvError, "add it as a new");
  assertEquals(error.code, "REFUSED");
});

Deno.test("PeerRegistry.admit() refuses a peer that does not say which life it is in", async () => {
  const registry = await load(new MemoryEngine());
  await assertRejects(() => registry.admit(2, "0"), KvError, "does not say who");
});

Deno.test("PeerRegistry.complete waits for the welcome of every first member but the node itself", async () => {
  const registry = await load(new MemoryEngine(), [1, 2, 3]);
  let isComplete = false;
  void registry.complete.then(() => isComplete = true);
  await registry.welcomed(2, "22");
  await registry.admit(3, "33");
  assertEquals(registry.missing, [3]);
  assertEquals(isComplete, false);
  await assertRejects(() => registry.welcomed(3, "34"), KvError);
  assertEquals(registry.missing, [3]);
  await registry.welcomed(3, "33");
  await registry.complete;
  assertEquals(registry.missing, []);
});

Deno.test("PeerRegistry.missing remembers who has welcomed the node, beyond a power cut", async () => {
  const engine = new MemoryEngine();
  await (await load(engine, [1, 2, 3])).welcomed(2, "22");
  const registry = await load(engine.crash(createPrng(1)), [1, 2, 3]);
  assertEquals(registry.missing, [3]);
  assertEquals(registry.incarnationOf(2), "22");
});

Deno.test("PeerRegistry.learn() lets what the group agreed on override hearsay", async () => {
  const registry = await load(new MemoryEngine());
  await registry.admit(2, "22");
  await registry.learn([
    { id: 1, address: "one:1", incarnation: "11" },
    { id: 2, address: "two:1", incarnation: "23" },
    { id: 3, address: "three:1", incarnation: "0" },
  ]);
  assertEquals(registry.incarnationOf(2), "23");
  assertEquals(registry.incarnationOf(3), "0");
  await assertRejects(() => registry.admit(2, "22"), KvError);
});

Deno.test("PeerRegistry.load() says that a damaged record is damaged", async () => {
  const engine = new MemoryEngine();
  const value = Buffer.from("[");
  await engine.write([{ type: "put", key: nodeKey("peers"), value }], { sync: true });
  const error = await assertRejects(() => load(engine), EngineError);
  assertEquals(error.kind, "corruption");
});

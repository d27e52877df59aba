import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../storage/engine.ts";
import { nodeKey } from "../../storage/key_space.ts";
import { MemoryEngine } from "../../storage/memory_engine.ts";
import { claimEngine, deriveClusterId, IdentityError } from "./identity.ts";

const identity = { clusterId: "12", gid: 100, nodeId: 2 };

Deno.test("deriveClusterId() depends on token, group and members, in order", () => {
  const id = deriveClusterId("eraft", 0, ["a:1", "b:2"]);
  assertEquals(deriveClusterId("eraft", 0, ["a:1", "b:2"]), id);
  assertNotEquals(deriveClusterId("other", 0, ["a:1", "b:2"]), id);
  assertNotEquals(deriveClusterId("eraft", 100, ["a:1", "b:2"]), id);
  assertNotEquals(deriveClusterId("eraft", 0, ["b:2", "a:1"]), id);
  assertEquals(BigInt(id) < 2n ** 64n, true);
});

Deno.test("claimEngine() takes a fresh engine and knows it again", async () => {
  const engine = new MemoryEngine();
  assertEquals(await claimEngine(engine, identity), true);
  assertEquals(await claimEngine(engine, identity), false);
});

for (const other of [{ clusterId: "13" }, { gid: 101 }, { nodeId: 3 }]) {
  Deno.test(`claimEngine() refuses the data of another ${Object.keys(other)}`, async () => {
    const engine = new MemoryEngine();
    await claimEngine(engine, { ...identity, ...other });
    await assertRejects(() => claimEngine(engine, identity), IdentityError, "belongs to node");
  });
}

Deno.test("claimEngine() refuses a format of the future instead of guessing", async () => {
  const engine = new MemoryEngine();
  const value = Buffer.from(JSON.stringify({ format: 2, ...identity }));
  await engine.write([{ type: "put", key: nodeKey("identity"), value }], { sync: true });
  await assertRejects(() => claimEngine(engine, identity), IdentityError, "format 2");
});

Deno.test("claimEngine() says that a damaged record is damaged", async () => {
  const engine = new MemoryEngine();
  const value = Buffer.from("{");
  await engine.write([{ type: "put", key: nodeKey("identity"), value }], { sync: true });
  const error = await assertRejects(() => claimEngine(engine, identity), EngineError);
  assertEquals(error.kind, "corruption");
});

import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { createPrng } from "../../../runtime/prng.ts";
import { EngineError } from "../../../storage/engine.ts";
import { nodeKey } from "../../../storage/key_space.ts";
import { MemoryEngine } from "../../../storage/memory_engine.ts";
import { claimEngine, DATA_FORMAT, deriveClusterId, IdentityError } from "./identity.ts";

const IDENTITY = { clusterId: "12", gid: 100, nodeId: 2 };
const prng = createPrng(1);

Deno.test("deriveClusterId() depends on token, group and members, in order", () => {
  const id = deriveClusterId("eraft", 0, ["a:1", "b:2"]);
  assertEquals(deriveClusterId("eraft", 0, ["a:1", "b:2"]), id);
  assertNotEquals(deriveClusterId("other", 0, ["a:1", "b:2"]), id);
  assertNotEquals(deriveClusterId("eraft", 100, ["a:1", "b:2"]), id);
  assertNotEquals(deriveClusterId("eraft", 0, ["b:2", "a:1"]), id);
  assertEquals(BigInt(id) < 2n ** 64n, true);
});

Deno.test("claimEngine() gives a fresh engine an incarnation and knows it again", async () => {
  const engine = new MemoryEngine();
  const incarnation = await claimEngine(engine, IDENTITY, prng);
  assertEquals(await claimEngine(engine, IDENTITY, prng), incarnation);
  assertNotEquals(await claimEngine(new MemoryEngine(), IDENTITY, prng), incarnation);
});

Deno.test("claimEngine() gives an incarnation to data that has none yet", async () => {
  const engine = new MemoryEngine();
  const value = Buffer.from(JSON.stringify({ format: DATA_FORMAT, ...IDENTITY }));
  await engine.write([{ type: "put", key: nodeKey("identity"), value }], { sync: true });
  const incarnation = await claimEngine(engine, IDENTITY, prng);
  assertEquals(await claimEngine(engine, IDENTITY, prng), incarnation);
});

for (const other of [{ clusterId: "13" }, { gid: 101 }, { nodeId: 3 }]) {
  Deno.test(`claimEngine() refuses the data of another ${Object.keys(other)}`, async () => {
    const engine = new MemoryEngine();
    await claimEngine(engine, { ...IDENTITY, ...other }, prng);
    await assertRejects(
      () => claimEngine(engine, IDENTITY, prng),
      IdentityError,
      "belongs to node",
    );
  });
}

for (const format of [DATA_FORMAT - 1, DATA_FORMAT + 1]) {
  Deno.test(`claimEngine() refuses format ${format}, and names what can read it`, async () => {
    const engine = new MemoryEngine();
    const value = Buffer.from(JSON.stringify({ format, ...IDENTITY }));
    await engine.write([{ type: "put", key: nodeKey("identity"), value }], { sync: true });
    await assertRejects(
      () => claimEngine(engine, IDENTITY, prng),
      IdentityError,
      `Cannot read data of format ${format}: this version knows format ${DATA_FORMAT}; ` +
        "start the version that wrote it, or choose another -db",
    );
  });
}

Deno.test("claimEngine() says that a damaged record is damaged", async () => {
  const engine = new MemoryEngine();
  const value = Buffer.from("{");
  await engine.write([{ type: "put", key: nodeKey("identity"), value }], { sync: true });
  const error = await assertRejects(() => claimEngine(engine, IDENTITY, prng), EngineError);
  assertEquals(error.kind, "corruption");
});

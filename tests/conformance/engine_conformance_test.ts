import type { Engine } from "../../storage/engine.ts";
import { MemoryEngine } from "../../storage/memory_engine.ts";
import { RocksdbEngine } from "../../storage/rocksdb_engine.ts";
import { testEngineConformance } from "./engine_conformance.ts";
import type { EngineFixture } from "./engine_fixture.ts";
import { testJournalConformance } from "./journal_conformance.ts";

function openMemory(): Promise<EngineFixture> {
  let current = new MemoryEngine();
  return Promise.resolve({
    engine: current,
    async reopen(): Promise<Engine> {
      await current.close();
      return current = current.reopen();
    },
    dispose: () => current.close(),
  });
}

async function openRocksdb(): Promise<EngineFixture> {
  const directory = await Deno.makeTempDir();
  let current = await RocksdbEngine.open(`${directory}/db`);
  return {
    engine: current,
    async reopen(): Promise<Engine> {
      await current.close();
      return current = await RocksdbEngine.open(`${directory}/db`);
    },
    async dispose() {
      await current.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

testEngineConformance("MemoryEngine", openMemory);
testEngineConformance("RocksdbEngine", openRocksdb);
testJournalConformance("MemoryEngine", openMemory);
testJournalConformance("RocksdbEngine", openRocksdb);

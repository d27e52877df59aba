/** Opens and closes an engine in the directory given as argument; prints how that went. */
import { RocksdbEngine } from "../rocksdb_engine.ts";

async function open(path: string): Promise<string> {
  try {
    const engine = await RocksdbEngine.open(path);
    await engine.close();
    return "opened";
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

const [path = ""] = Deno.args;
Deno.stdout.writeSync(new TextEncoder().encode(await open(path)));

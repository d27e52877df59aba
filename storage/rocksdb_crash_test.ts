/** Real processes, killed while they write. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "./engine.ts";
import { RocksdbEngine } from "./rocksdb_engine.ts";

const WRITER_SCRIPT = `${import.meta.dirname}/testdata/endless_writer.ts`;

interface Writer {
  /** Reads acknowledgements until there are `count` in all; returns the last one. */
  acknowledged(count: number): Promise<number>;
  /** SIGKILL; returns the last acknowledgement of all. */
  kill(): Promise<number>;
}

function startWriter(directory: string): Writer {
  const args = ["run", "-A", "--quiet", WRITER_SCRIPT, directory];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  // A line without its end may be part of a number only.
  const numbers = () => text.split("\n").slice(0, -1).map(Number);
  const readWhile = async (wanted: () => boolean): Promise<number> => {
    while (wanted()) {
      const { value, done } = await reader.read();
      if (done) break;
      text += value;
    }
    return Math.max(0, ...numbers());
  };
  return {
    acknowledged: (count) => readWhile(() => numbers().length < count),
    async kill() {
      child.kill("SIGKILL");
      const last = await readWhile(() => true);
      await child.status;
      return last;
    },
  };
}

async function assertWholeBatches(directory: string, acknowledged: number): Promise<void> {
  const engine = await RocksdbEngine.open(directory);
  const keys = (await engine.scan({ start: Buffer.from("a"), end: Buffer.from("c") }))
    .map(({ key }) => key.toString());
  await engine.close();
  const batches = keys.length / 2;
  assert(batches >= acknowledged, `${batches} batches survive of ${acknowledged}`);
  const expected = ["a", "b"].flatMap((side) =>
    Array.from({ length: batches }, (_, i) => side + String(i + 1).padStart(8, "0"))
  );
  assertEquals(keys, expected);
}

Deno.test("RocksdbEngine finds all acknowledged batches whole after a kill", async () => {
  const directory = await Deno.makeTempDir();
  for (let round = 0; round < 2; round++) {
    const path = `${directory}/${round}`;
    const writer = startWriter(path);
    await writer.acknowledged(round === 0 ? 50 : 3_000);
    await assertWholeBatches(path, await writer.kill());
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("RocksdbEngine.open() refuses a directory another process has open", async () => {
  const directory = await Deno.makeTempDir();
  const writer = startWriter(directory);
  await writer.acknowledged(1);
  const error = await assertRejects(() => RocksdbEngine.open(directory), EngineError);
  assertEquals(error.kind, "locked");
  assert(error.message.includes(`Cannot open the database '${directory}'`), error.message);
  await writer.kill();
  await (await RocksdbEngine.open(directory)).close();
  await Deno.remove(directory, { recursive: true });
});

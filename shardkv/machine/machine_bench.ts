/**
 * What it takes to apply a batch of writes, without the engine that stores
 * them: `deno task bench:micro shardkv`.
 */
import { BatchView } from "../../raft/node/apply/batch_view.ts";
import { KnownLengths } from "../../raft/node/apply/known_lengths.ts";
import { createPrng } from "../../runtime/prng.ts";
import { emptyConfig } from "../../shardctrler/configuration/config.ts";
import { machinePrefix } from "../../storage/key_space.ts";
import { nextConfig, write, writes } from "../testing/machine_harness.ts";
import { decodeOperation, encodeConfigStep } from "./commands.ts";
import { ShardMachine } from "./machine.ts";

const GID = 100;
const SHARDS = 64;
const KEY_COUNT = 100_000;
const CLIENT = "12345678901234567890";
const VALUE = Buffer.alloc(100, 7);
const prefix = machinePrefix(1);
const prng = createPrng(1);

/** A machine that serves every shard, and what it was told last. */
class Applying {
  readonly #machine = new ShardMachine(GID);
  readonly #known = new KnownLengths({ secret: "1" });
  #index = 0;

  static async start(): Promise<Applying> {
    const applying = new Applying();
    const owners = Array.from({ length: SHARDS }, () => GID);
    await applying.apply(encodeConfigStep(nextConfig(emptyConfig(SHARDS), owners)));
    return applying;
  }

  async apply(payload: Uint8Array): Promise<void> {
    const index = ++this.#index;
    const command = { index, term: 1, timeMs: index, payload };
    const view = new BatchView(this.#known);
    // Nothing is stored; after a while everything is known.
    this.#machine.prefetch([command], view);
    await view.lookUp((keys) => Promise.resolve(keys.map(() => undefined)));
    this.#machine.apply(command, view);
    view.overlay(this.#machine.flush());
    view.takeWrites(prefix);
    this.#machine.onApplied();
  }
}

let sequence = 1;

/** Puts of one client as its clerk sends them: none of the last `count` is answered yet. */
function puts(count: number): Uint8Array {
  const lowestUnanswered = sequence;
  const commands = Array.from({ length: count }, () => {
    const key = Buffer.from(`bench-key-${String(prng.below(KEY_COUNT)).padStart(8, "0")}`);
    return write({ sequence: sequence++, key, value: VALUE });
  });
  return writes(commands, { clientId: CLIENT, lowestUnanswered });
}

for (const count of [1, 16, 256]) {
  const applying = await Applying.start();
  // The same payload may be applied again and again only once: each round needs its own.
  Deno.bench(`ShardMachine applies ${count} puts`, async (b) => {
    const payload = puts(count);
    b.start();
    await applying.apply(payload);
    b.end();
  });
}

const payload = puts(256);
Deno.bench("decodeOperation() of 256 puts", () => void decodeOperation(payload));

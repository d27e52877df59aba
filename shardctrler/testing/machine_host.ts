/** Hosts one controller machine over a memory engine, as the driver does, without a log. */
import { assert } from "@std/assert";
import { BatchView } from "../../raft/node/apply/batch_view.ts";
import { KnownLengths } from "../../raft/node/apply/known_lengths.ts";
import { LiveGeneration } from "../../raft/node/apply/live_generation.ts";
import type { MachineReader } from "../../raft/node/apply/state_machine.ts";
import type { Write } from "../../storage/engine.ts";
import { fullKey } from "../../storage/full_key.ts";
import { MemoryEngine } from "../../storage/memory_engine.ts";
import type { Config } from "../configuration/config.ts";
import type { ControllerReply } from "../machine/machine_records.ts";
import { ControllerMachine } from "../machine/machine.ts";

export class MachineHost {
  readonly machine: ControllerMachine;
  readonly reader: MachineReader;
  /** What the machine has told of, in order. */
  readonly published: Config[] = [];
  readonly #engine: MemoryEngine;
  readonly #generation: LiveGeneration;
  /** Hexadecimal key and value of everything written. */
  readonly #contents: Map<string, string>;
  readonly #known = new KnownLengths({ secret: "1" });
  #index: number;

  constructor(engine = new MemoryEngine(), contents = new Map<string, string>(), index = 0) {
    this.#engine = engine;
    this.#generation = new LiveGeneration(engine, 1);
    this.#contents = contents;
    this.#index = index;
    this.reader = this.#generation;
    this.machine = new ControllerMachine({ onConfig: (config) => this.published.push(config) });
  }

  async apply(payload: Uint8Array, timeMs = 0): Promise<ControllerReply> {
    const [reply] = await this.applyBatch([payload], timeMs);
    assert(reply !== undefined);
    return reply;
  }

  async applyBatch(payloads: readonly Uint8Array[], timeMs = 0): Promise<ControllerReply[]> {
    const view = new BatchView(this.#known);
    const replies = payloads.map((payload) =>
      this.machine.apply({ index: ++this.#index, term: 1, timeMs, payload }, view)
    );
    view.overlay(this.machine.flush());
    const { prefix } = this.#generation;
    const writes = view.takeWrites(prefix);
    for (const write of writes) this.#note(write);
    await this.#engine.write(writes, { sync: false });
    this.machine.onApplied();
    return replies;
  }

  /** Another machine that finds what this one has written. */
  async restart(): Promise<MachineHost> {
    const host = new MachineHost(this.#engine, this.#contents, this.#index);
    await host.machine.load(host.reader);
    return host;
  }

  /** Everything in the engine, for comparing replicas. */
  contents(): Map<string, string> {
    return new Map([...this.#contents].sort());
  }

  #note(write: Write): void {
    const key = fullKey(write).toString("hex");
    if (write.type === "del") this.#contents.delete(key);
    else this.#contents.set(key, Buffer.from(write.value).toString("hex"));
  }
}

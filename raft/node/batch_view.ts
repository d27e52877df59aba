/** What the commands of some batches see: what was looked up ahead, overlaid with their own writes. */
import { invariant } from "../../runtime/invariant.ts";
import type { Write } from "../../storage/engine.ts";
import { machineKey } from "../../storage/key_space.ts";
import type { KnownLengths } from "./known_lengths.ts";
import type { CommittedCommand, Lookahead, MachineView, StateMachine } from "./state_machine.ts";

/** Reads values in the order of their keys. */
export type ReadMany = (keys: readonly Uint8Array[]) => Promise<(Uint8Array | undefined)[]>;

export class BatchView implements MachineView {
  readonly #known: KnownLengths;
  /** Keyed by the key's bytes as Latin-1 text, as are the others. */
  readonly #values = new Map<string, Uint8Array | undefined>();
  /** Lengths of values that are not in `#values`; undefined if there is none. */
  readonly #lengths = new Map<string, number | undefined>();
  readonly #writes = new Map<string, Write>();
  #bytes = 0;

  /** @param known What earlier batches have learned; learns from this one */
  constructor(known: KnownLengths) {
    this.#known = known;
  }

  /** Records that {@linkcode takeWrites} will write. */
  get records(): number {
    return this.#writes.size;
  }

  /** Bytes of the values that were read and written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Looks up what the commands will want; reads what is not known, in one go.
   * May be called again once they are applied, for the next ones.
   */
  async lookUp({ values, lengths }: Lookahead, read: ReadMany): Promise<void> {
    const keys: Uint8Array[] = [];
    for (const key of values) {
      const name = nameOf(key);
      if (this.#values.has(name)) continue;
      this.#values.set(name, undefined);
      keys.push(key);
    }
    const valueKeys = keys.length;
    for (const key of lengths) {
      const name = nameOf(key);
      if (this.#values.has(name) || this.#lengths.has(name)) continue;
      const known = this.#known.get(key);
      this.#lengths.set(name, typeof known === "number" ? known : undefined);
      if (known === undefined) keys.push(key);
    }
    if (keys.length === 0) return;
    const found = await read(keys);
    for (const [i, key] of keys.entries()) {
      const value = found[i];
      this.#known.set(key, value?.length ?? "absent");
      if (i < valueKeys) {
        this.#values.set(nameOf(key), value);
        this.#bytes += value?.length ?? 0;
      } else {
        this.#lengths.set(nameOf(key), value?.length);
      }
    }
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const name = nameOf(key);
    const value = this.#values.get(name);
    invariant(value !== undefined || this.#values.has(name), () => notLookedUp("value", key));
    return value;
  }

  lengthOf(key: Uint8Array): number | undefined {
    const name = nameOf(key);
    const value = this.#values.get(name);
    if (value !== undefined || this.#values.has(name)) return value?.length;
    const length = this.#lengths.get(name);
    invariant(length !== undefined || this.#lengths.has(name), () => notLookedUp("length", key));
    return length;
  }

  apply(machine: StateMachine, command: CommittedCommand): unknown {
    const { reply, writes } = machine.apply(command, this);
    this.overlay(writes);
    return reply;
  }

  overlay(writes: readonly Write[]): void {
    for (const write of writes) {
      const name = nameOf(write.key);
      this.#values.set(name, write.type === "put" ? write.value : undefined);
      this.#writes.set(name, write);
      if (write.type === "put") this.#bytes += write.value.length;
    }
  }

  /** The last write of each key, under the generation's prefix; from now on they count as known. */
  takeWrites(prefix: Uint8Array): Write[] {
    return Array.from(this.#writes.values(), (write): Write => {
      const key = machineKey(prefix, write.key);
      if (write.type === "del") {
        this.#known.update(write.key, "absent");
        return { type: "del", key };
      }
      this.#known.update(write.key, write.value.length);
      return { type: "put", key, value: write.value };
    });
  }
}

function nameOf(key: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = key;
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}

function notLookedUp(what: string, key: Uint8Array): string {
  return `The ${what} of key ${Buffer.from(key).toString("hex")} was not looked up ahead`;
}

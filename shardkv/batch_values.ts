/** What the commands of one proposal see of each other. */
import type { MachineView } from "../raft/node/state_machine.ts";
import type { Write } from "../storage/engine.ts";

/** The view of a batch, overlaid with what the batch itself has written. */
export class BatchValues {
  readonly #view: MachineView;
  readonly #writes: Write[];
  /** By the key's bytes as Latin-1 text; undefined without an overlay. */
  readonly #written: Map<string, Uint8Array | undefined> | undefined;

  /**
   * @param overlay Whether a key may be read after it was written
   * @param writes Where what is written goes
   */
  constructor(view: MachineView, overlay: boolean, writes: Write[]) {
    this.#view = view;
    this.#writes = writes;
    this.#written = overlay ? new Map() : undefined;
  }

  get(key: Buffer): Uint8Array | undefined {
    const written = this.#written;
    if (written === undefined || written.size === 0) return this.#view.get(key);
    const name = key.toString("latin1");
    const value = written.get(name);
    return value !== undefined || written.has(name) ? value : this.#view.get(key);
  }

  lengthOf(key: Buffer): number | undefined {
    const written = this.#written;
    if (written === undefined || written.size === 0) return this.#view.lengthOf(key);
    const name = key.toString("latin1");
    const value = written.get(name);
    return value !== undefined || written.has(name) ? value?.length : this.#view.lengthOf(key);
  }

  put(key: Buffer, value: Uint8Array): void {
    this.#writes.push({ type: "put", key, value });
    this.#written?.set(key.toString("latin1"), value);
  }

  del(key: Buffer): void {
    this.#writes.push({ type: "del", key });
    this.#written?.set(key.toString("latin1"), undefined);
  }
}

/** A small state machine for tests of the driver: registers by name, and how often they were written. */
import type { Write } from "../../../storage/engine.ts";
import type {
  CommittedCommand,
  Lookahead,
  MachineReader,
  MachineView,
  StateMachine,
} from "../apply/state_machine.ts";

const COUNT_KEY = Buffer.from("count");

function registerKey(name: string): Buffer {
  return Buffer.from(`register/${name}`);
}

/**
 * Payloads are `name=text`: the text is appended to the register, the reply is
 * its new value; or `name-`: the register is removed.
 */
export class RegisterMachine implements StateMachine {
  /** Commands applied since the group began; lives in memory and is saved once per batch. */
  count = 0;
  #dirty = false;

  async load(reader: MachineReader): Promise<void> {
    this.count = Number(String(await reader.get(COUNT_KEY) ?? "0"));
  }

  prefetch(commands: readonly CommittedCommand[], ahead: Lookahead): void {
    for (const { payload } of commands) ahead.value(registerKey(parse(payload).name));
  }

  apply(command: CommittedCommand, view: MachineView): string {
    const { name, text } = parse(command.payload);
    const record = view.record(registerKey(name));
    this.count++;
    this.#dirty = true;
    if (text === undefined) {
      view.del(record);
      return "";
    }
    const value = Buffer.concat([view.get(record) ?? Buffer.of(), Buffer.from(text)]);
    view.put(record, value);
    return String(value);
  }

  flush(): Write[] {
    if (!this.#dirty) return [];
    this.#dirty = false;
    return [{ type: "put", key: COUNT_KEY, value: Buffer.from(String(this.count)) }];
  }
}

/** The text is undefined in a removal. */
function parse(payload: Uint8Array): { name: string; text: string | undefined } {
  const [name = "", text] = new TextDecoder().decode(payload).split("=");
  return text === undefined ? { name: name.slice(0, -1), text } : { name, text };
}

/** A register as one replica has applied it. */
export async function readRegister(reader: MachineReader, name: string): Promise<string> {
  return String(await reader.get(registerKey(name)) ?? "");
}

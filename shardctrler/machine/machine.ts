/**
 * The controller's replicated state machine: the numbered configurations and
 * the sessions that make each change take effect once. Pure: `load` hands over
 * what machine_store.ts has read.
 */
import {
  type ChangeRequest,
  Config as ConfigMessage,
  ControllerCommand,
} from "../../proto/gen/shardctrler.ts";
import type {
  CommittedCommand,
  MachineReader,
  MachineView,
  StateMachine,
} from "../../raft/node/apply/state_machine.ts";
import { SessionTable } from "../../raft/node/sessions/session_table.ts";
import type { Write } from "../../storage/engine.ts";
import { applyChange, type ChangeOutcome } from "../configuration/apply_change.ts";
import { decodeChange } from "../configuration/change_codec.ts";
import type { Refusal } from "../configuration/change.ts";
import { encodeConfig } from "../configuration/config_codec.ts";
import { type Config, emptyConfig, SHARDS_MAX, type StoreId } from "../configuration/config.ts";
import { configKey, sessionKey, stateKey } from "./machine_keys.ts";
import {
  type ControllerReply,
  decodeReply,
  encodeReply,
  encodeState,
  NO_CONFIG,
} from "./machine_records.ts";
import { loadMachine } from "./machine_store.ts";

export interface ControllerMachineOptions {
  /**
   * Called with the latest configuration once it can be read from the engine:
   * when the machine was loaded and after each batch that brought a new one.
   * Numbers never go down; some may be skipped.
   */
  readonly onConfig?: (config: Config) => void;
}

export class ControllerMachine implements StateMachine<ControllerReply> {
  readonly #onConfig: (config: Config) => void;
  /** Undefined until the first command has fixed the number of shards. */
  #latest: Config | undefined;
  #timeMs = 0;
  #sessions = new SessionTable();
  #stateChanged = false;
  /** The last one given to `#onConfig`. */
  #published: Config | undefined;

  constructor(options: ControllerMachineOptions = {}) {
    this.#onConfig = options.onConfig ?? (() => {});
  }

  /** The latest configuration; undefined while the cluster has none. */
  get latest(): Config | undefined {
    return this.#latest;
  }

  get timeMs(): number {
    return this.#timeMs;
  }

  load(reader: MachineReader): Promise<void> {
    return loadMachine(reader).then(({ latest, timeMs, sessions }) => {
      this.#latest = latest;
      this.#timeMs = timeMs;
      this.#sessions = sessions;
      this.#stateChanged = false;
      this.#publish();
    });
  }

  prefetch(): void {
    // Everything it looks at is in memory.
  }

  apply(command: CommittedCommand, view: MachineView): ControllerReply {
    this.#timeMs = Math.max(this.#timeMs, Math.floor(command.timeMs));
    this.#stateChanged = true;
    this.#sessions.expire(this.#timeMs);
    const decoded = decodeCommand(command.payload);
    if (decoded?.change !== undefined) return this.#applyRequest(decoded.change, view);
    if (decoded !== undefined && decoded.initializeShards > 0) {
      return this.#initialize(decoded.initializeShards, decoded.storeId, view);
    }
    return refuse({ code: "INVALID_ARGUMENT", message: "Cannot read the command" });
  }

  flush(): readonly Write[] {
    const writes: Write[] = [];
    for (const { clientId, record } of this.#sessions.takeDirty()) {
      const key = sessionKey(clientId);
      writes.push(record ? { type: "put", key, value: record } : { type: "del", key });
    }
    if (this.#stateChanged) {
      const state = { configNum: this.#latest?.num ?? NO_CONFIG, timeMs: this.#timeMs };
      writes.push({ type: "put", key: stateKey(), value: encodeState(state) });
    }
    this.#stateChanged = false;
    return writes;
  }

  get hasNews(): boolean {
    return this.#latest !== undefined && this.#latest !== this.#published;
  }

  onApplied(): void {
    this.#publish();
  }

  #publish(): void {
    if (this.#latest === undefined || !this.hasNews) return;
    this.#published = this.#latest;
    this.#onConfig(this.#latest);
  }

  #initialize(shards: number, storeId: StoreId, view: MachineView): ControllerReply {
    if (this.#latest !== undefined) {
      const count = this.#latest.shards.length;
      if (count === shards) return { kind: "config", num: 0 };
      return refuse({
        code: "REFUSED",
        message: `Cannot use ${shards} shards: the cluster was made with ${count}`,
      });
    }
    if (shards > SHARDS_MAX) {
      return refuse({
        code: "INVALID_ARGUMENT",
        message: `Cannot use ${shards} shards: at most ${SHARDS_MAX} are allowed`,
      });
    }
    return this.#adopt(emptyConfig(shards, storeId), view);
  }

  #applyRequest(request: ChangeRequest, view: MachineView): ControllerReply {
    if (this.#latest === undefined) return refuse(NOT_INITIALISED);
    const { clientId, sequence } = request;
    // A client sends one change at a time per session, so each answers all before it.
    const verdict = this.#sessions.begin(clientId, sequence, sequence, this.#timeMs);
    switch (verdict.kind) {
      case "repeat":
        return decodeReply(verdict.reply);
      case "stale":
        return refuse(STALE);
      case "tooMany":
        return refuse(TOO_MANY);
      case "new": {
        const reply = this.#applyChange(this.#latest, request, view);
        this.#sessions.finish(clientId, sequence, encodeReply(reply));
        return reply;
      }
    }
  }

  #applyChange(latest: Config, request: ChangeRequest, view: MachineView): ControllerReply {
    const change = decodeChange(request.change);
    if (change === undefined) return refuse(UNKNOWN_CHANGE);
    const outcome: ChangeOutcome = applyChange(latest, change);
    switch (outcome.kind) {
      case "changed":
        return this.#adopt(outcome.config, view);
      case "unchanged":
        return { kind: "config", num: outcome.config.num };
      case "refused":
        return refuse(outcome.refusal);
    }
  }

  #adopt(config: Config, view: MachineView): ControllerReply {
    this.#latest = config;
    const record = view.record(configKey(config.num));
    view.put(record, ConfigMessage.encode(encodeConfig(config)).finish());
    return { kind: "config", num: config.num };
  }
}

/** Undefined for bytes that are no command: every replica must see the same, so it is no throw. */
function decodeCommand(payload: Uint8Array): ControllerCommand | undefined {
  try {
    return ControllerCommand.decode(payload);
  } catch {
    return undefined;
  }
}

const NOT_INITIALISED: Refusal = {
  code: "NOT_READY",
  message: "Cannot change the configuration: the cluster is still starting",
};
const UNKNOWN_CHANGE: Refusal = {
  code: "INVALID_ARGUMENT",
  message: "Cannot change the configuration: the request carries no known change",
};
const STALE: Refusal = {
  code: "SESSION_EXPIRED",
  message: "Cannot tell whether the change was made: its client has made a later one since",
};
const TOO_MANY: Refusal = {
  code: "OVERLOADED",
  message: "Cannot change the configuration: too many clients have made changes lately",
};

function refuse(refusal: Refusal): ControllerReply {
  return { kind: "refused", refusal };
}

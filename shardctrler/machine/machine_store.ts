/** Reads back from the engine what the machine has written to it. */
import { Config as ConfigMessage } from "../../proto/gen/shardctrler.ts";
import type { MachineReader } from "../../raft/node/apply/state_machine.ts";
import { SessionTable } from "../../raft/node/sessions/session_table.ts";
import { invariant } from "../../runtime/invariant.ts";
import { decodeConfig } from "../configuration/config_codec.ts";
import type { Config } from "../configuration/config.ts";
import { clientIdOf, configKey, sessionRange, stateKey } from "./machine_keys.ts";
import { decodeState, NO_CONFIG } from "./machine_records.ts";

/** Sessions read at once. */
const SESSIONS_PAGE = 1_024;

/** The part of the machine that lives in memory. */
export interface StoredMachine {
  /** Undefined while the cluster has no configuration. */
  readonly latest: Config | undefined;
  readonly timeMs: number;
  readonly sessions: SessionTable;
}

/** @throws {SyntaxError | RangeError} If a record makes no sense */
export async function loadMachine(reader: MachineReader): Promise<StoredMachine> {
  const record = await reader.get(stateKey());
  const sessions = await loadSessions(reader);
  if (record === undefined) return { latest: undefined, timeMs: 0, sessions };
  const { configNum, timeMs } = decodeState(record);
  const latest = configNum === NO_CONFIG ? undefined : await readConfig(reader, configNum);
  return { latest, timeMs, sessions };
}

/**
 * Reads a configuration that is known to exist.
 *
 * @throws {InvariantError} If it does not
 */
export async function readConfig(reader: MachineReader, num: number): Promise<Config> {
  const value = await reader.get(configKey(num));
  invariant(value !== undefined, () => `Configuration ${num} exists and must be stored`);
  return decodeConfig(ConfigMessage.decode(value));
}

async function loadSessions(reader: MachineReader): Promise<SessionTable> {
  const sessions = new SessionTable();
  for (let range = sessionRange();;) {
    const page = await reader.scan(range.start, range.end, { limit: SESSIONS_PAGE });
    for (const { key, value } of page) sessions.load(clientIdOf(key), value);
    const last = page.at(-1);
    if (last === undefined || page.length < SESSIONS_PAGE) return sessions;
    range = sessionRange(last.key);
  }
}

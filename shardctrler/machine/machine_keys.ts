/**
 * Who owns which bytes of the controller's machine keys; numbers are big-endian.
 *
 * | key | value |
 * |---|---|
 * | 0x01 | what the machine remembers beside the rest (machine_records.ts) |
 * | 0x02, number u64 | the configuration of that number (`shardctrlerpb.Config`); never changed, never removed |
 * | 0x03, client id u64 | that client's session (raft/node/sessions/session_record.ts) |
 */
import { type KeyRange } from "../../storage/engine.ts";
import { writeUint64 } from "../../storage/key_space.ts";

const STATE_TAG = 0x01;
const CONFIG_TAG = 0x02;
const SESSION_TAG = 0x03;

export function stateKey(): Buffer {
  return Buffer.of(STATE_TAG);
}

export function configKey(num: number): Buffer {
  const key = Buffer.allocUnsafe(9);
  key[0] = CONFIG_TAG;
  writeUint64(key, num, 1);
  return key;
}

/** Every configuration, in order. */
export function configRange(): KeyRange {
  return { start: Buffer.of(CONFIG_TAG), end: Buffer.of(CONFIG_TAG + 1) };
}

/** @param clientId Decimal digits of an unsigned 64-bit number */
export function sessionKey(clientId: string): Buffer {
  const key = Buffer.allocUnsafe(9);
  key[0] = SESSION_TAG;
  key.writeBigUInt64BE(BigInt(clientId), 1);
  return key;
}

export function clientIdOf(key: Uint8Array): string {
  return Buffer.from(key).readBigUInt64BE(1).toString();
}

/** Every session, or those behind the one with key `after`. */
export function sessionRange(after?: Uint8Array): KeyRange {
  // A zero byte more makes the very next key.
  const start = after === undefined ? Buffer.of(SESSION_TAG) : Buffer.concat([after, Buffer.of(0)]);
  return { start, end: Buffer.of(SESSION_TAG + 1) };
}

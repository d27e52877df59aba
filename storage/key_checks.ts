/** What both engines demand of the keys they are given. */
import { MARK_REGION } from "./key_space.ts";

/**
 * Checks a key to be read.
 *
 * @throws {RangeError} If the key is empty
 */
export function assertKey(key: Uint8Array): void {
  if (key.length === 0) throw new RangeError("Cannot use an empty key: it must be 1 byte or more");
}

/**
 * Checks a key to be written.
 *
 * @throws {RangeError} If the key is empty or in the region engines keep for themselves
 */
export function assertWritableKey(key: Uint8Array): void {
  assertKey(key);
  if (key[0] !== MARK_REGION) return;
  throw new RangeError(
    `Cannot write a key that begins with ${MARK_REGION}: the engine keeps that region for itself`,
  );
}

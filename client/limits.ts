/** How large keys and values may be, checked before anything is sent. */

/** Longest key in bytes: every index entry and every message repeats it. */
export const KEY_BYTES_MAX = 4_096;
/** Largest value in bytes: a batch of a few must stay below the 4 MiB of a message. */
export const VALUE_BYTES_MAX = 1_048_576;

/** Memory that short texts share: what `Buffer.from` would do, with fewer calls out of JavaScript. */
const TEXT_POOL_BYTES = 65_536;
/** Texts that may take more than this have memory of their own. */
const POOLED_BYTES_MAX = TEXT_POOL_BYTES / 8;
/** A character of JavaScript's takes three bytes of UTF-8 at most. */
const BYTES_PER_CHARACTER_MAX = 3;
const encoder = new TextEncoder();
let textPool = Buffer.alloc(0);
/** Bytes of the pool that hold texts already. */
let textPoolUsed = 0;

/**
 * A copy of a key as bytes; text becomes UTF-8.
 *
 * @throws {RangeError} When it is empty or longer than {@linkcode KEY_BYTES_MAX}, or has no UTF-8
 */
export function keyBytes(key: Uint8Array | string): Buffer {
  const bytes = toBytes(key);
  if (bytes.length < 1 || bytes.length > KEY_BYTES_MAX) {
    throw new RangeError(
      `Cannot use a key of ${bytes.length} bytes: it must have 1 to ${KEY_BYTES_MAX}`,
    );
  }
  return bytes;
}

/**
 * A copy of a value as bytes; text becomes UTF-8.
 *
 * @throws {RangeError} When it is longer than {@linkcode VALUE_BYTES_MAX}, or has no UTF-8
 */
export function valueBytes(value: Uint8Array | string): Buffer {
  const bytes = toBytes(value);
  if (bytes.length > VALUE_BYTES_MAX) {
    throw new RangeError(
      `Cannot use a value of ${bytes.length} bytes: it must have ${VALUE_BYTES_MAX} or fewer`,
    );
  }
  return bytes;
}

/** Copies, because a call may be sent again long after its caller has changed the array. */
function toBytes(data: Uint8Array | string): Buffer {
  return typeof data === "string" ? textBytes(data) : Buffer.from(data);
}

/** @throws {RangeError} When the text has no UTF-8: it would become what other texts become, too */
function textBytes(text: string): Buffer {
  const bytes = encode(text);
  // ASCII, which most texts are, has as many bytes as characters and needs no closer look.
  if (bytes.length !== text.length && !text.isWellFormed()) {
    throw new RangeError("Cannot use a text with half a surrogate pair: it has no UTF-8");
  }
  return bytes;
}

function encode(text: string): Buffer {
  const room = text.length * BYTES_PER_CHARACTER_MAX;
  if (room > POOLED_BYTES_MAX) return Buffer.from(text);
  if (textPoolUsed + room > textPool.length) {
    textPool = Buffer.allocUnsafeSlow(TEXT_POOL_BYTES);
    textPoolUsed = 0;
  }
  const start = textPoolUsed;
  textPoolUsed += encoder.encodeInto(text, textPool.subarray(start, start + room)).written;
  return textPool.subarray(start, textPoolUsed);
}

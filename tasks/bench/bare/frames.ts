/**
 * What the processes of the bare store send each other; numbers are little-endian.
 *
 * - a request: its bytes u32, its number u32, puts (key's bytes u8, value's bytes u32, key, value)
 * - an entry: index u32, commit index u32, requests; without requests it tells the commit index
 * - an answer: numbers u32 of requests, or the index u32 of the last entry a follower has synced
 */

export type Put = readonly [key: string, value: string];

const REQUEST_HEAD_BYTES = 8;
const PUT_HEAD_BYTES = 5;
export const ENTRY_HEAD_BYTES = 8;

/** Keys and values are ASCII. */
export function encodeRequest(number: number, puts: readonly Put[]): Buffer {
  let bytes = REQUEST_HEAD_BYTES;
  for (const [key, value] of puts) bytes += PUT_HEAD_BYTES + key.length + value.length;
  const request = Buffer.allocUnsafe(bytes);
  request.writeUInt32LE(bytes, 0);
  request.writeUInt32LE(number, 4);
  let at = REQUEST_HEAD_BYTES;
  for (const [key, value] of puts) {
    request[at] = key.length;
    request.writeUInt32LE(value.length, at + 1);
    at += PUT_HEAD_BYTES;
    at += request.write(key, at, "latin1");
    at += request.write(value, at, "latin1");
  }
  return request;
}

export function requestNumber(request: Buffer): number {
  return request.readUInt32LE(4);
}

/** Visits every put of some requests, one behind the other. */
export function forEachPut(requests: Buffer, visit: (key: Buffer, value: Buffer) => void): void {
  for (let start = 0; start < requests.length;) {
    const end = start + requests.readUInt32LE(start);
    for (let at = start + REQUEST_HEAD_BYTES; at < end;) {
      const keyEnd = at + PUT_HEAD_BYTES + (requests[at] as number);
      const valueEnd = keyEnd + requests.readUInt32LE(at + 1);
      visit(requests.subarray(at + PUT_HEAD_BYTES, keyEnd), requests.subarray(keyEnd, valueEnd));
      at = valueEnd;
    }
    start = end;
  }
}

export function encodeEntry(index: number, commit: number, requests: readonly Buffer[]): Buffer {
  return Buffer.concat([encodeNumbers([index, commit]), ...requests]);
}

export function encodeNumbers(numbers: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * numbers.length);
  numbers.forEach((number, i) => bytes.writeUInt32LE(number, 4 * i));
  return bytes;
}

export function decodeNumbers(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(4 * i));
}

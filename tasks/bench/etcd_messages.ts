/** The few messages of etcd's KV service that the comparison sends (etcdserverpb in rpc.proto). */
import { BinaryWriter } from "@bufbuild/protobuf/wire";

const encoder = new TextEncoder();

// Field numbers.
const PUT_KEY = 1;
const PUT_VALUE = 2;
const RANGE_KEY = 1;
const TXN_SUCCESS = 2;
const OP_PUT = 2;

export function putRequest(key: string, value: string): Uint8Array {
  return new BinaryWriter()
    .uint32(tag(PUT_KEY)).bytes(encoder.encode(key))
    .uint32(tag(PUT_VALUE)).bytes(encoder.encode(value))
    .finish();
}

/** A read of one key; linearizable, which is etcd's default. */
export function rangeRequest(key: string): Uint8Array {
  return new BinaryWriter().uint32(tag(RANGE_KEY)).bytes(encoder.encode(key)).finish();
}

/** Many puts in one transaction without conditions. */
export function txnRequest(entries: readonly (readonly [string, string])[]): Uint8Array {
  const txn = new BinaryWriter();
  for (const [key, value] of entries) {
    const operation = new BinaryWriter().uint32(tag(OP_PUT)).bytes(putRequest(key, value)).finish();
    txn.uint32(tag(TXN_SUCCESS)).bytes(operation);
  }
  return txn.finish();
}

/** Field number and wire type 2: a length and so many bytes. */
function tag(field: number): number {
  return field << 3 | 2;
}

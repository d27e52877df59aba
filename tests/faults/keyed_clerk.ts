/** A clerk that sees the keys of one round only: every round begins with an empty store of its own. */
import type { Data, KvClerk, ScanEntry, ScanOptions } from "../../client/kv_clerk.ts";
import type { ClientClerk } from "../sim/sim_client.ts";

/**
 * @param clerk Closed with the one that is returned
 * @param prefix Put before every key
 */
export function keyedClerk(clerk: KvClerk, prefix: string): ClientClerk {
  const name = (key: Data) => Buffer.concat([Buffer.from(prefix), Buffer.from(key as string)]);
  return {
    get: (key, call) => clerk.get(name(key), call),
    put: (key, value, call) => clerk.put(name(key), value, call),
    append: (key, value, call) => clerk.append(name(key), value, call),
    delete: (key, call) => clerk.delete(name(key), call),
    cas: (key, options) => clerk.cas(name(key), options),
    getMany: (keys, call) => clerk.getMany(keys.map(name), call),
    putMany: (entries, call) =>
      clerk.putMany([...entries].map(([key, value]) => [name(key), value]), call),
    scan: (options) => scan(clerk, prefix, options),
    close: () => clerk.close(),
  };
}

async function* scan(
  clerk: KvClerk,
  prefix: string,
  options: ScanOptions = {},
): AsyncGenerator<ScanEntry> {
  const within = Buffer.concat([
    Buffer.from(prefix),
    Buffer.from((options.prefix ?? "") as string),
  ]);
  for await (const { key, value } of clerk.scan({ ...options, prefix: within })) {
    yield { key: key.subarray(prefix.length), value };
  }
}

/** Looking at keys and values: one by one, and page by page. */
import { prefixEnd } from "../../client/calls/scan.ts";
import type { KvClerk } from "../../client/kv_clerk.ts";
import { type Config, NO_GROUP } from "../../shardctrler/configuration/config.ts";
import { shardOf } from "../../shardctrler/configuration/shard_hash.ts";
import type { Bytes, KeyPage, KeyView } from "../api.ts";
import { HttpError } from "./http_error.ts";

/** Bytes of a value that are shown. */
export const VALUE_BYTES_SHOWN_MAX = 64 * 1024;
/** Keys of a page. */
const PAGE_KEYS_MAX = 1_000;
const PAGE_KEYS_DEFAULT = 100;
/** Milliseconds that the cluster has to answer. */
const TIMEOUT_MS = 5_000;

export interface KeyBrowserOptions {
  readonly clerk: Pick<KvClerk, "get" | "scan">;
  readonly config: () => Config | undefined;
}

export class KeyBrowser {
  readonly #options: KeyBrowserOptions;

  constructor(options: KeyBrowserOptions) {
    this.#options = options;
  }

  /** @throws {HttpError | KvError | RangeError} */
  async value(query: URLSearchParams): Promise<KeyView> {
    const key = bytesOf(query, "key", "key64");
    if (key === undefined) {
      throw new HttpError(400, "INVALID_ARGUMENT", "Cannot look a key up: give 'key' or 'key64'");
    }
    const value = await this.#options.clerk.get(key, { timeoutMs: TIMEOUT_MS });
    return {
      key: shown(key),
      found: value !== undefined,
      value: value === undefined ? null : shown(value, VALUE_BYTES_SHOWN_MAX),
      valueBytes: value?.length ?? 0,
      ...this.#place(key),
    };
  }

  /** @throws {HttpError | KvError | RangeError} */
  async page(query: URLSearchParams): Promise<KeyPage> {
    const prefix = bytesOf(query, "prefix", "prefix64") ?? Buffer.alloc(0);
    const after = bytesOf(query, undefined, "after");
    const limit = limitOf(query);
    const keys: Uint8Array[] = [];
    // The key that the last page ended with comes again, and one more tells whether to go on.
    const wanted = limit + 1 + Number(after !== undefined);
    const isPast = after !== undefined && Buffer.compare(after, prefix) > 0;
    const range = { start: isPast ? after : prefix, end: prefixEnd(prefix), limit: wanted };
    const scan = this.#options.clerk.scan({ ...range, keysOnly: true, timeoutMs: TIMEOUT_MS });
    for await (const { key } of scan) {
      if (after === undefined || Buffer.compare(key, after) !== 0) keys.push(key);
    }
    const page = keys.slice(0, limit);
    const last = page.at(-1);
    return {
      keys: page.map((key) => ({ key: shown(key), ...this.#place(key) })),
      next: keys.length > limit && last !== undefined ? encode64(last) : null,
    };
  }

  #place(key: Uint8Array) {
    const config = this.#options.config();
    if (config === undefined) return { shardId: 0, groupId: NO_GROUP };
    const shardId = shardOf(key, config.shards.length);
    return { shardId, groupId: config.shards[shardId] ?? NO_GROUP };
  }
}

/** A parameter as text, or under another name in base64, with or without `+`, `/` and `=`. */
function bytesOf(
  query: URLSearchParams,
  textName: string | undefined,
  base64Name: string,
): Buffer | undefined {
  const base64 = query.get(base64Name);
  if (base64 !== null) {
    if (/^[\w+/ -]*={0,2}$/.test(base64)) return Buffer.from(base64.replaceAll(" ", "+"), "base64");
    throw new HttpError(400, "INVALID_ARGUMENT", `Cannot read '${base64Name}': it is no base64`);
  }
  const text = textName === undefined ? null : query.get(textName);
  return text === null ? undefined : Buffer.from(text);
}

function limitOf(query: URLSearchParams): number {
  const text = query.get("limit");
  if (text === null) return PAGE_KEYS_DEFAULT;
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= PAGE_KEYS_MAX) return limit;
  throw new HttpError(
    400,
    "INVALID_ARGUMENT",
    `Cannot use 'limit' ${text}: it must be 1 to ${PAGE_KEYS_MAX}`,
  );
}

/** Text where the bytes are UTF-8; a character that the cut went through is left out. */
function shown(bytes: Uint8Array, bytesMax: number = bytes.length): Bytes {
  const part = bytes.subarray(0, bytesMax);
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return { text: decoder.decode(part, { stream: part.length < bytes.length }) };
  } catch {
    return { base64: Buffer.from(part).toString("base64") };
  }
}

/** Without characters that mean something in an address. */
function encode64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

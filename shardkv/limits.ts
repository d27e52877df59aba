/** Every bound of a shard group in one place. */
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../client/limits.ts";
import { PROPOSAL_BYTES_MAX } from "../raft/node/requests/proposals.ts";

export { KEY_BYTES_MAX };
/** Largest value in bytes unless the server is told otherwise; clerks check the same. */
export const VALUE_BYTES_DEFAULT = VALUE_BYTES_MAX;
/** Largest value a server may be told to allow: a chunk with one must fit in a message. */
export const VALUE_BYTES_CEILING = 2 << 20;
/** Bytes of the writes of one request: one proposal holds them, and a little around them. */
export const REQUEST_BYTES_MAX = PROPOSAL_BYTES_MAX - 64;
/** Bytes of values in one response; keys past them are answered NOT_READY and asked for again. */
export const RESPONSE_BYTES_MAX = 3 << 20;
/** Write commands of one batch: keeps the synchronous apply of a batch in the low milliseconds. */
export const COMMANDS_MAX = 1_024;
/** Keys of one read request. */
export const GET_KEYS_MAX = 1_024;
/** Keys read from the engine at once; between two slices the response's size is looked at. */
export const GET_SLICE_KEYS = 64;
/** Keys that all requests together may be reading from the engine at a time: eight such slices. */
export const READING_KEYS_MAX = 512;
/**
 * Bytes of values that may be kept for answers that are not complete; above that,
 * no more are read.
 */
export const HELD_BYTES_MAX = 64 << 20;

/** Requests of one stream that are being answered: two windows of a busy clerk. */
export const STREAM_REQUESTS_MAX = 256;
/** Requests of all streams and calls of one server that are being answered. */
export const SERVER_REQUESTS_MAX = 4_096;
/** Requests of groups that fetch shards; each holds a chunk or waits for the log. */
export const TRANSFER_REQUESTS_MAX = 256;

/** Pairs of one page of a scan. */
export const SCAN_PAIRS_MAX = 4_096;
/** Bytes of keys and values in one page of a scan; a single larger pair still passes. */
export const SCAN_BYTES_MAX = 1 << 20;
/** Pairs of the first read from a shard for a scan; more with each read while they are small. */
export const SCAN_READ_PAIRS_MIN = 4;
/** Pairs kept of one shard at a time for a scan. */
export const SCAN_SLICE_PAIRS_MAX = 256;
/** Reads of different shards that run at the same time for one scan. */
export const SCAN_READS_MAX = 16;

/** Bytes of records asked for in one chunk of a shard. */
const CHUNK_BYTES_DEFAULT = 512 << 10;
/** Most bytes of records in one chunk; a single larger record still passes. */
export const CHUNK_BYTES_MAX = 1 << 20;
/** Records of one chunk: bounds the synchronous apply of tiny records. */
export const CHUNK_RECORDS_MAX = 8_192;
/**
 * Records of one chunk of changes: to apply one, the length of what it replaces
 * must be looked up.
 */
export const CHUNK_CHANGED_MAX = 1_024;
/**
 * Changes looked at for one chunk: many may name the same few records, and a call
 * must end in time.
 */
export const CHUNK_CHANGES_MAX = 32_768;
/**
 * Bytes of the change log of a shard that is leaving, some ten million small
 * writes. A shard whose log is full is frozen until its new owner has fetched it.
 * This bounds the disk space it costs if the new owner is down for days.
 */
export const CHANGE_LOG_BYTES_MAX = 1 << 30;
/** Chunks of changes from one comparison of the copy with the writers to the next. */
export const LOOK_CHUNKS = 4;
/** Changes that writers may make for each one that is copied; above that they are slowed down. */
export const CATCH_UP_RATIO_MAX = 0.5;
/**
 * Comparisons in a row that find no fewer changes left, with writers slowed down to
 * the limit, after which the shard is frozen all the same.
 */
export const STALLED_LOOKS_MAX = 16;
/**
 * Longest time a write is held while its shard is copied, in milliseconds: clients
 * should hardly notice.
 */
export const BRAKE_MS_MAX = 80;
/** Shortest such time: slowing down begins here, and each step doubles it, up to the longest. */
export const BRAKE_MS_MIN = 20;
/**
 * Longest time that requests wait for a shard that is being handed over to this
 * group, in milliseconds. A hand-over takes a fraction of it. Clients that have
 * waited in vain look for the shard again.
 */
export const ARRIVAL_MS_MAX = 500;
/**
 * A shard is frozen once a chunk of changes has at most this many records: about as
 * many are still to come, and some milliseconds are enough to apply them.
 */
export const HAND_OVER_RECORDS_MAX = 512;
/** The same for the bytes of the chunk's records. */
export const HAND_OVER_BYTES_MAX = 256 << 10;
/**
 * Shards pulled from one group at the same time: enough to hide the round trips, few
 * enough to leave room for clients.
 */
export const PULLS_MAX = 4;
/**
 * Shards pulled from all groups at the same time. Pulls from a group that is down last
 * until it is back; those from others go on beside up to seven such groups. More is not
 * allowed, as each pull has up to two chunks in memory and one in front of clients'
 * writes in the log.
 */
export const ALL_PULLS_MAX = 32;
/** Shards that one group is being told to forget at the same time. */
export const RELEASES_MAX = 8;
/** Shards that all groups are being told to forget at the same time: as of pulls, those of eight. */
export const ALL_RELEASES_MAX = 64;
/** Milliseconds for one call to another group: a stopped process must not hold a migration up. */
export const TRANSFER_TIMEOUT_MS = 2_000;
/** Milliseconds for a request that is passed on to the right server. */
export const FORWARD_TIMEOUT_MS = 2_000;
/** Bytes of the answer to eRaft's GetShardsData, which knows no chunks. */
export const SHARDS_DATA_BYTES_MAX = 3 << 20;

/** What may differ from one group to the next; servers have a flag for the first alone. */
export interface GroupLimits {
  /** Largest value in bytes. @default {1 MiB} */
  readonly valueBytesMax: number;
  /** Bytes of records to ask for in one chunk of a shard. @default {512 KiB} */
  readonly chunkBytes: number;
}

export const DEFAULT_GROUP_LIMITS: GroupLimits = {
  valueBytesMax: VALUE_BYTES_DEFAULT,
  chunkBytes: CHUNK_BYTES_DEFAULT,
};

/**
 * Checks limits once, where they enter.
 *
 * @throws {RangeError} If a value is out of its range
 */
export function validateGroupLimits(limits: GroupLimits): void {
  const { valueBytesMax, chunkBytes } = limits;
  if (
    !Number.isSafeInteger(valueBytesMax) || valueBytesMax < 1 || valueBytesMax > VALUE_BYTES_CEILING
  ) {
    throw new RangeError(
      `Cannot allow values of ${valueBytesMax} bytes: the limit must be an integer ` +
        `from 1 to ${VALUE_BYTES_CEILING}`,
    );
  }
  if (!Number.isSafeInteger(chunkBytes) || chunkBytes < 1 || chunkBytes > CHUNK_BYTES_MAX) {
    throw new RangeError(
      `Cannot fetch shards by ${chunkBytes} bytes: a chunk must be an integer ` +
        `from 1 to ${CHUNK_BYTES_MAX}`,
    );
  }
}

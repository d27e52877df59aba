/** Bounds every carrier keeps. */

/** Payload the parts may put into one message: batches, chunks and frames are cut to fit. */
export const PAYLOAD_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Largest encoded message, in bytes: a full payload and the field headers,
 * addresses and numbers around it. One message must not fill a server's memory.
 */
export const MESSAGE_BYTES_MAX = PAYLOAD_BYTES_MAX + 64 * 1024;

/**
 * Characters of an error's text that travel. The text is sent in an HTTP/2
 * header, percent-encoded, and a peer may refuse headers above 16 KiB.
 */
export const ERROR_MESSAGE_CHARS_MAX = 1_024;

/**
 * Bytes that a peer may send before it hears that some were taken, on one
 * stream and on all of a connection: two chunks of a shard or a snapshot.
 */
export const FLOW_CONTROL_BYTES = 1024 * 1024;

/**
 * Received messages of one stream that wait for their reader. gRPC stops
 * reading from the connection at this number, so that a slow reader costs a
 * bounded amount of memory here.
 */
export const STREAM_QUEUE_MESSAGES_MAX = 64;

/**
 * Messages that one stream of the memory carrier may hold. Far above what any
 * credit window allows: who reaches it forgot the credit.
 */
export const MEMORY_QUEUE_MESSAGES_MAX = 65_536;

/**
 * TCP connections a server holds at once. Peers keep one each and a clerk one
 * per group, so this is hundreds of clerks; beyond it new connections are
 * closed at once, before they cost a session, unless another address has more.
 */
export const CONNECTIONS_MAX = 1_024;

/**
 * Calls one connection may have open at once; HTTP/2 makes further ones wait at
 * the caller. Above what a load tool puts on one connection.
 */
export const STREAMS_PER_CONNECTION_MAX = 1_024;

/**
 * Bytes of unary requests that have not arrived whole, with their headers, on
 * all connections of a server; beyond it the oldest end. Honest callers'
 * requests arrive in a moment.
 */
export const ARRIVING_BYTES_MAX = 128 * 1024 * 1024;

/** Milliseconds a new connection has to say that it speaks HTTP/2. */
export const PREFACE_MS_MAX = 10_000;

/**
 * Milliseconds that a connection may be without a call. Peers and clerks have a
 * stream open all the time; this is for those who forget theirs.
 */
export const IDLE_MS_MAX = 10 * 60_000;

/**
 * Bytes of one stream that node:http2 is given beyond what has left: enough to
 * use a window that opens at once, and all that is lost if the stream ends
 * before (see write_pacing.ts).
 */
export const AHEAD_BYTES_MAX = 256 * 1024;

/** Bytes that wait in a socket before streams are given no more: what a busy turn writes, several times. */
export const SOCKET_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Bytes of answers on one stream that its caller has not taken before it is
 * asked for no more requests. Above one answer; a clerk has four under way.
 */
export const UNSENT_STREAM_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Bytes of answers that the callers on one connection have not taken; beyond it
 * the connection is closed unless it takes some. Several times what a clerk's
 * four batches can be.
 */
export const UNSENT_CONNECTION_BYTES_MAX = 64 * 1024 * 1024;

/** The same for all connections of a server; beyond it the one with the most is closed at once. */
export const UNSENT_SERVER_BYTES_MAX = 256 * 1024 * 1024;

/** A peer that has taken fewer bytes than this in {@linkcode STALLED_MS_MAX} takes nothing. */
export const TAKEN_BYTES_MIN = 256 * 1024;

/** Milliseconds between two looks at what the peer of such a connection takes. */
export const STALLED_MS_MAX = 2_000;

/** Bytes from which a unary answer counts; what a connection's calls can have below it is little. */
export const COUNTED_ANSWER_BYTES_MIN = 16 * 1024;

/** Fields of a request, repeated ones counted each time: far more than any batch, frame or join has. */
export const REQUEST_FIELDS_MAX = 32_768;

/** Messages for tests, with the parts that do not matter filled in. */
import type {
  AppendRequest,
  AppendResponse,
  Heartbeat,
  Message,
  MessageType,
  VoteRequest,
  VoteResponse,
} from "../message.ts";

type Without<T> = Partial<Omit<T, "type">>;

export function append(parts: Without<AppendRequest>): AppendRequest {
  return {
    ...{ type: "append", from: 2, to: 1, term: 1 },
    ...{ prevIndex: 0, prevTerm: 0, entries: [], commit: 0 },
    ...parts,
  };
}

export function accepted(parts: Without<AppendResponse>): AppendResponse {
  return {
    ...{ type: "appendResponse", from: 2, to: 1, term: 1, index: 0 },
    ...{ reject: false, hintIndex: 0, hintTerm: 0 },
    ...parts,
  };
}

export function heartbeat(parts: Without<Heartbeat>): Heartbeat {
  return { type: "heartbeat", from: 2, to: 1, term: 1, commit: 0, context: 0, ...parts };
}

export function vote(parts: Partial<VoteRequest>): VoteRequest {
  return {
    ...{ type: "vote", from: 2, to: 1, term: 1, lastIndex: 0, lastTerm: 0, force: false },
    ...{ commit: 0, commitTerm: 0 },
    ...parts,
  };
}

export function voteResponse(parts: Partial<VoteResponse>): VoteResponse {
  return {
    ...{ type: "voteResponse", from: 2, to: 1, term: 1, reject: false },
    ...{ commit: 0, commitTerm: 0 },
    ...parts,
  };
}

/** The member of the union that can be of type `T`. */
type MessageOf<T extends MessageType, M = Message> = M extends Message
  ? T extends M["type"] ? M : never
  : never;

/** Those of one type, narrowed to it. */
export function only<T extends MessageType>(
  messages: readonly Message[],
  type: T,
): MessageOf<T>[] {
  return messages.filter((message) => message.type === type) as MessageOf<T>[];
}

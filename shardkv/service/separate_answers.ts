/**
 * Splits a request if some of its keys must wait because their shards change hands.
 * A clerk's calls for other keys are in the same request and should not wait with
 * them. The stream then carries two responses to one request.
 */
import {
  type BatchRequest,
  type BatchResponse,
  type Result,
  WriteBatch,
} from "../../proto/gen/shardkv.ts";
import { plainResults } from "../machine/results.ts";

/** Some of a request's commands, and where each stood. */
export interface Part {
  readonly request: BatchRequest;
  readonly writes: readonly number[];
  readonly reads: readonly number[];
}

export interface Parts {
  /** To be executed at once. */
  readonly prompt: Part;
  /** To be executed when the prompt part has been answered. */
  readonly held: Part;
}

export interface HeldKeys {
  readonly isWriteHeld: (key: Buffer) => boolean;
  readonly isReadHeld: (key: Buffer) => boolean;
}

/**
 * @param request Its writes must have been checked
 * @returns undefined if all of its commands have to wait, or none
 */
export function separate(request: BatchRequest, keys: HeldKeys): Parts | undefined {
  const batch = WriteBatch.decode(request.writes);
  const writes = partition(batch.commands, ({ key }) => keys.isWriteHeld(key));
  const reads = partition(request.getKeys, keys.isReadHeld);
  const partOf = (side: "prompt" | "held"): Part => {
    const commands = writes[side].flatMap((at) => batch.commands[at] ?? []);
    return {
      request: {
        ...request,
        writes: commands.length === 0
          ? Buffer.alloc(0)
          : Buffer.from(WriteBatch.encode({ ...batch, commands }).finish()),
        getKeys: reads[side].flatMap((at) => request.getKeys[at] ?? []),
      },
      writes: writes[side],
      reads: reads[side],
    };
  };
  if (writes.held.length + reads.held.length === 0) return undefined;
  if (writes.prompt.length + reads.prompt.length === 0) return undefined;
  return { prompt: partOf("prompt"), held: partOf("held") };
}

/** The response to a part as one to the request it was taken from. */
export function widen(
  response: BatchResponse,
  { writes, reads }: Part,
  whole: { readonly writes: number; readonly reads: number },
): BatchResponse {
  return {
    ...response,
    writeResults: spread(response.writeResults, writes, whole.writes),
    getResults: spread(response.getResults, reads, whole.reads),
  };
}

function spread(results: readonly Result[], places: readonly number[], length: number): Result[] {
  const all = new Array<Result>(length).fill(plainResults.SEPARATE);
  results.forEach((result, i) => all[places[i] ?? 0] = result);
  return all;
}

function partition<Each>(
  all: readonly Each[],
  isHeld: (each: Each) => boolean,
): { readonly prompt: number[]; readonly held: number[] } {
  const parts = { prompt: [] as number[], held: [] as number[] };
  all.forEach((each, at) => parts[isHeld(each) ? "held" : "prompt"].push(at));
  return parts;
}

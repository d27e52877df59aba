/** Measures what Raft sends: frames, chunks of snapshots, and how often a peer is dialled. */
import { RaftFrame, RaftTransportService, SnapshotChunk } from "../../proto/gen/raft.ts";
import type { CallOptions, Channel, ClientStream, Dialer, Method } from "../../rpc/service.ts";

export class Traffic {
  streams = 0;
  frames = 0;
  chunks = 0;
  /** Bytes on the wire. */
  largestFrame = 0;
  largestChunk = 0;

  wrap(dialer: Dialer): Dialer {
    return {
      channel: (address) => this.#wrapChannel(dialer.channel(address)),
      forget: (address) => dialer.forget(address),
      close: () => dialer.close(),
    };
  }

  #wrapChannel(channel: Channel): Channel {
    return {
      address: channel.address,
      unary: async <Request, Response>(
        method: Method<Request, Response>,
        request: Request,
        options: CallOptions,
      ) => {
        const response = await channel.unary(method, request, options);
        if (method.path === RaftTransportService.fetchSnapshot.path) {
          this.chunks++;
          const bytes = SnapshotChunk.encode(response as SnapshotChunk).finish().length;
          this.largestChunk = Math.max(this.largestChunk, bytes);
        }
        return response;
      },
      stream: <Request, Response>(
        method: Method<Request, Response>,
        options?: { readonly signal?: AbortSignal | undefined },
      ): ClientStream<Request, Response> => {
        this.streams++;
        const stream = channel.stream(method, options);
        return {
          responses: stream.responses,
          send: (request) => {
            this.#measure(request as RaftFrame);
            stream.send(request);
          },
          end: () => stream.end(),
          cancel: () => stream.cancel(),
        };
      },
    };
  }

  #measure(frame: RaftFrame): void {
    this.frames++;
    this.largestFrame = Math.max(this.largestFrame, RaftFrame.encode(frame).finish().length);
  }
}

/** A stream without a server: a test sees what is sent and gives the answers itself. */
import type { KvError } from "../errors.ts";
import { MessageQueue } from "../message_queue.ts";
import type { Channel, ClientStream } from "../service.ts";

export class ManualStream<Request, Response> implements ClientStream<Request, Response> {
  readonly sent: Request[] = [];
  readonly responses = new MessageQueue<Response>();

  /** Opens this stream, whatever is called. */
  channel(address: string): Channel {
    const open: unknown = () => this;
    return {
      address,
      unary: () => Promise.reject(new Error("Only the stream is there")),
      stream: open as Channel["stream"],
    };
  }

  send(request: Request): void {
    this.sent.push(request);
  }

  end(): void {}

  cancel(): void {
    this.responses.end();
  }

  answer(response: Response): void {
    this.responses.push(response);
  }

  /** The connection breaks behind what was answered. */
  break(error: KvError): void {
    this.responses.fail(error);
  }
}

/** One stream of bytes in both directions over gRPC, without Protocol Buffers. */
import {
  Client,
  type ClientDuplexStream,
  credentials,
  type ServiceDefinition,
} from "@grpc/grpc-js";

const PATH = "/bare.Store/Stream";
const asIs = (bytes: Buffer) => bytes;
const CHANNEL_OPTIONS = { "grpc.max_receive_message_length": -1 };

export const streamService: ServiceDefinition = {
  stream: {
    path: PATH,
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};

export const SERVER_OPTIONS = CHANNEL_OPTIONS;

/** Opens a stream to a server that listens. */
export async function openStream(
  address: string,
  timeoutMs: number,
): Promise<ClientDuplexStream<Buffer, Buffer>> {
  const client = new Client(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  await new Promise<void>((resolve, reject) => {
    const done = (error?: Error) => error === undefined ? resolve() : reject(error);
    client.waitForReady(Date.now() + timeoutMs, done);
  });
  return client.makeBidiStreamRequest(PATH, asIs, asIs);
}

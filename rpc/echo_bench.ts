/**
 * What gRPC adds to what is below it: a message and its echo, both ends in this
 * process, one after the other, with rests in between, and 64 at a time:
 * `deno task bench:micro rpc`.
 */
import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { type BatchRequest, BatchResponse, KvServiceService } from "../proto/gen/shardkv.ts";
import { GrpcDialer } from "./grpc/grpc_dialer.ts";
import { serveGrpc } from "./grpc/grpc_server.ts";
import { stream, unary } from "./service.ts";

const { execute, stream: streamMethod } = KvServiceService;
const IN_FLIGHT = 64;
const PAYLOAD = Buffer.alloc(128, 7);
const REQUEST: BatchRequest = {
  id: 1,
  writes: PAYLOAD,
  getKeys: [],
  ageMs: 0,
  anyReplica: false,
};
const answer = BatchResponse.decode(Buffer.alloc(0));

/** Sends a message and resolves with the next one that comes. */
type Echo = () => Promise<unknown>;

async function openGrpc(): Promise<{ readonly echo: Echo; readonly call: Echo }> {
  const server = await serveGrpc({
    address: "127.0.0.1:0",
    routes: [
      unary(execute, () => Promise.resolve(answer)),
      stream(streamMethod, async (call) => {
        for await (const _ of call.requests) call.send(answer);
      }),
    ],
  });
  const channel = new GrpcDialer().channel(server.address);
  const opened = channel.stream(streamMethod);
  const answers = opened.responses[Symbol.asyncIterator]();
  return {
    echo: () => {
      opened.send(REQUEST);
      return answers.next();
    },
    call: () => channel.unary(execute, REQUEST, { timeoutMs: 10_000 }),
  };
}

async function openHttp2(): Promise<{ readonly echo: Echo; readonly call: Echo }> {
  const server = http2.createServer();
  server.on("stream", (incoming: http2.ServerHttp2Stream) => {
    incoming.respond({ ":status": 200 });
    incoming.on("data", (chunk) => incoming.write(chunk));
    incoming.on("end", () => incoming.end());
  });
  const session = http2.connect(`http://127.0.0.1:${await listen(server)}`);
  const open = () => session.request({ ":method": "POST", ":path": "/echo" });
  const opened = open();
  return {
    echo: () => {
      opened.write(PAYLOAD);
      return once(opened, "data");
    },
    call: async () => {
      const call = open();
      call.end(PAYLOAD);
      for await (const _ of call);
    },
  };
}

async function openTcp(): Promise<Echo> {
  const server = net.createServer({ noDelay: true }, (incoming) => {
    incoming.on("data", (chunk) => incoming.write(chunk));
  });
  const socket = net.connect({ port: await listen(server), host: "127.0.0.1", noDelay: true });
  return () => {
    socket.write(PAYLOAD);
    return once(socket, "data");
  };
}

async function listen(server: net.Server | http2.Http2Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as net.AddressInfo).port;
}

const grpc = await openGrpc();
const bare = await openHttp2();
const tcp = await openTcp();

const echoes: [string, Echo][] = [
  ["a stream of gRPC", grpc.echo],
  ["a stream of node:http2", bare.echo],
  ["TCP", tcp],
];
for (const [carrier, echo] of echoes) {
  Deno.bench(`a message and its echo on ${carrier}`, async () => void await echo());
}
for (const [carrier, echo] of echoes) {
  // Processor and caches have had the time to turn to something else, as between rare requests.
  Deno.bench(`a message and its echo on ${carrier}, 2 ms after the last`, async (bench) => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    bench.start();
    await echo();
    bench.end();
  });
}
Deno.bench(`${IN_FLIGHT} unary calls of gRPC at once`, async () => {
  await Promise.all(Array.from({ length: IN_FLIGHT }, () => grpc.call()));
});
Deno.bench(`${IN_FLIGHT} calls of node:http2 at once`, async () => {
  await Promise.all(Array.from({ length: IN_FLIGHT }, () => bare.call()));
});

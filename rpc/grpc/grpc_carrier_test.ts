import { testCarrier } from "../carrier_conformance.ts";
import { GrpcDialer } from "./grpc_dialer.ts";
import { serveGrpc } from "./grpc_server.ts";

testCarrier("gRPC", async (routes) => {
  const server = await serveGrpc({ address: "127.0.0.1:0", routes });
  const closeServer = () => server.close();
  return { address: server.address, dialer: new GrpcDialer(), closeServer };
});

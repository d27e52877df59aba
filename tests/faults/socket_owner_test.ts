import { assertEquals } from "@std/assert";
import { inodeOf, ownerOf } from "./socket_owner.ts";

const TABLE =
  `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1 0 100 0 0 10 0
   1: 0100007F:9C40 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 102 2 0 20 4 30 10 -1
   2: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 103 2 0 20 4 30 10 -1
`;

Deno.test("inodeOf() finds the end of a connection that has the given local port", () => {
  assertEquals(inodeOf(TABLE, 0x9c40, 0x1f90), "102");
  assertEquals(inodeOf(TABLE, 0x1f90, 0x9c40), "103");
  assertEquals(inodeOf(TABLE, 1, 2), undefined);
});

Deno.test("ownerOf() finds this process, and nobody among those that are none of it", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = listener.accept();
  using outbound = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using inbound = await accepting;
  const port = outbound.localAddr.port;
  assertEquals(inbound.remoteAddr.port, port);
  assertEquals(ownerOf(port, listener.addr.port, [1, Deno.pid]), Deno.pid);
  assertEquals(ownerOf(port, listener.addr.port, []), undefined);
  assertEquals(ownerOf(1, 2, [Deno.pid]), undefined);
});

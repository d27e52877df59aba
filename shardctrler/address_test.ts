import { assertEquals } from "@std/assert";
import { addressProblem, canonicalAddress } from "./address.ts";

Deno.test("addressProblem() accepts names, IPv4 and bracketed IPv6 with a port", () => {
  for (
    const address of [
      "localhost:6001",
      "127.0.0.1:1",
      "kv-0.kv.default.svc.cluster.local:65535",
      "my_host:80",
      "[::1]:6001",
      "[fe80::1%eth0]:6001",
      "a:1",
    ]
  ) assertEquals(addressProblem(address), undefined, address);
});

Deno.test("addressProblem() says what is wrong with an address", () => {
  const host = "it must read host:port";
  const port = "its port must be an integer in 1..65535";
  for (
    const [address, problem] of [
      ["", "it is empty"],
      ["localhost", host],
      [":6001", host],
      ["::1:6001", host],
      ["http://localhost:6001", host],
      ["local host:6001", host],
      ["localhost:6001/path", port],
      ["localhost:", port],
      ["localhost:0", port],
      ["localhost:65536", port],
      ["localhost:06001", port],
      ["localhost:-1", port],
      ["localhost:1e3", port],
      ["a=b:1", host],
      ["-a:1", host],
      ["x".repeat(300) + ":1", "it has 302 characters, at most 262 are allowed"],
    ] as const
  ) assertEquals(addressProblem(address), problem, address);
});

Deno.test("canonicalAddress() makes spellings of one host name equal", () => {
  assertEquals(canonicalAddress("LocalHost:6001"), canonicalAddress("localhost:6001"));
});

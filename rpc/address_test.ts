import { assertEquals, assertThrows } from "@std/assert";
import { isAddress, parseAddress, parseAddressList } from "./address.ts";

Deno.test("parseAddress() reads host and port", () => {
  const known: [string, string, number][] = [
    ["localhost:50051", "localhost", 50_051],
    ["127.0.0.1:1", "127.0.0.1", 1],
    ["[::1]:65535", "::1", 65_535],
    ["[fe80::1%eth0]:80", "fe80::1%eth0", 80],
    ["node-1.group_a.svc.cluster.local:6001", "node-1.group_a.svc.cluster.local", 6_001],
  ];
  for (const [text, host, port] of known) assertEquals(parseAddress(text), { host, port });
});

Deno.test("parseAddress() says what is wrong with an address", () => {
  const known: [string, string][] = [
    ["", "it must be host:port"],
    ["localhost", "it must be host:port"],
    ["localhost:", "the port is missing"],
    [":80", "the host is missing"],
    ["::1:80", "IPv6 addresses go in brackets"],
    ["[::g]:80", "[::g] is no IPv6 address"],
    ["[]:80", "[] is no IPv6 address"],
    ["[127.0.0.1]:80", "is no IPv6 address"],
    ["a b:80", '"a b" is no host name'],
    ["-a:80", '"-a" is no host name'],
    ["1.2.3:80", '"1.2.3" is no host name or IP address'],
    ["256.1.1.1:80", "is no host name or IP address"],
    ["http://a:80", "it must be host:port"],
    ["a:http", 'port "http" is no number'],
    ["a:-1", 'port "-1" is no number'],
    ["a:8 0", 'port "8 0" is no number'],
    ["a:1e3", "is no number"],
  ];
  for (const [text, why] of known) {
    assertThrows(() => parseAddress(text), SyntaxError, why, text);
    assertEquals(isAddress(text), false);
  }
  for (const text of ["a:0", "a:65536", "a:99999999999999999999"]) {
    assertThrows(() => parseAddress(text), RangeError, "the port must be 1 to 65535");
  }
  assertEquals(parseAddress("a:0", { portMin: 0 }).port, 0);
});

Deno.test("parseAddressList() keeps the order and refuses what cannot be meant", () => {
  assertEquals(parseAddressList("b:2, a:1 ,[::1]:3"), ["b:2", "a:1", "[::1]:3"]);
  assertThrows(() => parseAddressList(" "), SyntaxError, "empty list");
  assertThrows(() => parseAddressList("a:1,"), SyntaxError, "one of them is empty");
  assertThrows(() => parseAddressList("a:1,b:2,A:1"), SyntaxError, "A:1 is listed twice");
  assertThrows(() => parseAddressList("a:1,b"), SyntaxError, '"b"');
});

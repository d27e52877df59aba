import { assertEquals, assertThrows } from "@std/assert";
import { FlagError } from "../runtime/flags.ts";
import { parseServerFlags } from "./server_flags.ts";

Deno.test("parseServerFlags() takes eRaft's command line", () => {
  const settings = parseServerFlags([
    "-id",
    "1",
    "-gid=100",
    "-cluster",
    "localhost:6001,localhost:6002,localhost:6003",
    "-ctrlers=localhost:50051",
    "--db",
    "data/shardkv",
  ]);
  assertEquals(settings.id, 1);
  assertEquals(settings.gid, 100);
  assertEquals(settings.members[1], "localhost:6002");
  assertEquals(settings.controllers, ["localhost:50051"]);
  assertEquals(settings.directory, "data/shardkv_100_1");
  assertEquals(settings.valueBytesMax, 1 << 20);
});

Deno.test("parseServerFlags() has eRaft's addresses as defaults", () => {
  const settings = parseServerFlags(["-gid", "100"]);
  assertEquals(settings.members, ["localhost:6001", "localhost:6002", "localhost:6003"]);
  assertEquals(settings.controllers, ["localhost:50051", "localhost:50052", "localhost:50053"]);
  assertEquals(settings.directory, "data/shardkv_100_0");
});

Deno.test("parseServerFlags() refuses what makes no sense in one line", () => {
  for (
    const [args, why] of [
      [[], 'invalid value "0" for flag -gid: a group needs -gid 1 to 2147483647'],
      [["-gid", "-3"], 'invalid value "-3" for flag -gid: a group needs -gid 1 to 2147483647'],
      [
        ["-gid", "2147483648"],
        'invalid value "2147483648" for flag -gid: a group needs -gid 1 to 2147483647',
      ],
      [["-gid", "1", "-cluster", "nonsense"], "host:port"],
      [["-gid", "1", "-listen", "x:99999"], "listen"],
      [["-gid", "1", "-max-value-bytes", "0"], "max-value-bytes"],
      [["-gid", "1", "-db", ""], "path"],
      [["-gid", "1", "extra"], "unexpected argument: extra"],
      [["-gid", "1", "-nonsense"], "flag provided but not defined: -nonsense"],
    ] as const
  ) {
    const error = assertThrows(() => parseServerFlags(args), FlagError, why);
    assertEquals(error.message.includes("\n"), false);
  }
});

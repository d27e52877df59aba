import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { FlagError } from "../runtime/flags.ts";
import { parseSettings } from "./settings.ts";

Deno.test("parseSettings() takes eRaft's command line as it is", () => {
  const settings = parseSettings(["-port=8081", "-config-addrs=a:1,b:2", "-update-interval=2s"]);
  assertEquals(settings.controllers, ["a:1", "b:2"]);
  assertEquals([settings.port, settings.updateIntervalMs], [8081, 2_000]);
  assertEquals([settings.listen, settings.adminToken, settings.namesGroups], [
    "127.0.0.1",
    undefined,
    false,
  ]);
  const usual = parseSettings(["-config-addrs", "a:1"]);
  assertEquals([usual.port, usual.updateIntervalMs], [8080, 5_000]);
  assertEquals(parseSettings(["-config-addrs=a:1", "-shard-groups=100=x:1"]).namesGroups, true);
  assertEquals(parseSettings(["-config-addrs=a:1", "-listen=[::]"]).listen, "::");
});

Deno.test("parseSettings() refuses what makes no sense, and never repeats a token", () => {
  const cases: [string[], RegExp][] = [
    [[], /-config-addrs is required/],
    [["-config-addrs="], /-config-addrs/],
    [["-config-addrs=a:1,a:1"], /listed twice/],
    [["-config-addrs=a:1", "-port=65536"], /-port/],
    [["-config-addrs=a:1", "-update-interval=10ms"], /-update-interval/],
    [["-config-addrs=a:1", "-listen="], /-listen/],
    [["-config-addrs=a:1", "-admin-token=short"], /12 characters/],
    [["-config-addrs=a:1", "-admin-token=with a blank"], /visible ASCII/],
    [["-config-addrs=a:1", "-admin-token=0123456789ab", "-admin-token-file=f"], /exclude/],
    [["-config-addrs=a:1", "extra"], /extra/],
  ];
  for (const [args, reason] of cases) {
    const { message } = assertThrows(() => parseSettings(args), FlagError);
    assertMatch(message, reason);
    assert(!/short|blank/.test(message), message);
  }
});

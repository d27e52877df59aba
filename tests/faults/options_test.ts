import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { FlagError } from "../../runtime/flags.ts";
import { parseFaultOptions } from "./options.ts";

const NAMES = ["kill-leader", "storm"];

Deno.test("parseFaultOptions() runs everything for 3 minutes unless told otherwise", () => {
  assertEquals(parseFaultOptions([], NAMES), {
    seed: undefined,
    minutes: 3,
    only: [],
    times: 0,
    groups: 2,
    json: false,
    list: false,
  });
  const options = parseFaultOptions(["-only", "storm,kill-leader", "-times=50", "-o=json"], NAMES);
  assertEquals([options.only, options.times, options.json], [["storm", "kill-leader"], 50, true]);
});

Deno.test("parseFaultOptions() refuses what cannot work and says why", () => {
  const cases: [string[], string][] = [
    [["-only", "flood"], "Cannot use 'flood': -list shows the faults there are"],
    [["-times", "5", "-minutes", "3"], "Cannot use -times and -minutes together"],
    [["-groups", "1"], "-groups"],
    [["now"], "Cannot use argument 'now'"],
  ];
  for (const [args, part] of cases) {
    const error = assertThrows(() => parseFaultOptions(args, NAMES), FlagError);
    assertStringIncludes(error.message, part);
  }
});

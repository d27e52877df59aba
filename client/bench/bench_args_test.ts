import { assertEquals, assertThrows } from "@std/assert";
import { FlagError } from "../../runtime/flags.ts";
import { UsageError } from "../cli/cli_usage.ts";
import { parseBench } from "./bench_args.ts";

Deno.test("parseBench() takes eRaft's two numbers", () => {
  assertEquals(parseBench(["1000", "8"]), {
    kind: "bench",
    requests: 1_000,
    durationMs: undefined,
    ratePerSecond: undefined,
    clients: 8,
    mode: "put",
    readRatio: 0.5,
    valueBytes: undefined,
    keys: undefined,
    record: undefined,
  });
  assertEquals(parseBench(["1000"]).clients, 1);
});

Deno.test("parseBench() takes flags instead of the numbers", () => {
  const command = parseBench([
    ...["-mode", "mixed", "-read-ratio", "0.95", "-value-size", "100", "-keys", "5000"],
    ...["-clients", "64", "-duration", "1m30s", "-rate", "2000"],
  ]);
  assertEquals(command, {
    kind: "bench",
    requests: undefined,
    durationMs: 90_000,
    ratePerSecond: 2_000,
    clients: 64,
    mode: "mixed",
    readRatio: 0.95,
    valueBytes: 100,
    keys: 5_000,
    record: undefined,
  });
});

Deno.test("parseBench() refuses what makes no sense together", () => {
  const refused = [
    [],
    ["-rate", "10"],
    ["10", "2", "3"],
    ["-clients", "2", "10", "2"],
    ["-mode", "get", "-read-ratio", "0.5", "10"],
    ["-record", "file", "-keys", "10", "10"],
    ["0"],
    ["10", "x"],
  ];
  for (const words of refused) assertThrows(() => parseBench(words), UsageError);
  for (const part of ["1.1", "-0.5", "half", ""]) {
    assertThrows(() => parseBench(["-mode", "mixed", "-read-ratio", part, "10"]), FlagError);
  }
});

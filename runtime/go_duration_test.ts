import { assertEquals, assertThrows } from "@std/assert";
import { formatGoDuration, parseGoDuration } from "./go_duration.ts";

Deno.test("parseGoDuration() reads every unit and sums them", () => {
  const known: [string, number][] = [
    ["0", 0],
    ["5s", 5_000],
    ["1m30s", 90_000],
    ["100ms", 100],
    ["1h", 3_600_000],
    ["1.5s", 1_500],
    [".5s", 500],
    ["5.s", 5_000],
    ["250us", 0.25],
    ["250µs", 0.25],
    ["250μs", 0.25],
    ["-2s", -2_000],
    ["+2s", 2_000],
    ["-0", 0],
    ["1h2m3s4ms", 3_723_004],
  ];
  for (const [text, ms] of known) assertEquals(parseGoDuration(text), ms, text);
});

Deno.test("parseGoDuration() refuses what Go refuses", () => {
  for (const text of ["", "5", "s", "5 s", "5x", "1m30", "--5s", "5s ", ".s", "1e3s", "+"]) {
    assertThrows(() => parseGoDuration(text), SyntaxError, "duration", text);
  }
});

Deno.test("formatGoDuration() prints as Go does", () => {
  const known: [number, string][] = [
    [0, "0s"],
    [0.000_001, "1ns"],
    [0.0015, "1.5µs"],
    [2.2, "2.2ms"],
    [100, "100ms"],
    [3_300, "3.3s"],
    [90_000, "1m30s"],
    [245_000, "4m5s"],
    [245_001, "4m5.001s"],
    [3_600_000, "1h0m0s"],
    [18_367_001, "5h6m7.001s"],
    [-1_500, "-1.5s"],
  ];
  for (const [ms, text] of known) assertEquals(formatGoDuration(ms), text);
});

import { assertEquals } from "@std/assert";
import { Format } from "./format.ts";

const format = new Format("en", "UTC");

Deno.test("Format shows what is unknown as a dash, never as zero", () => {
  for (const unknown of [null, undefined]) {
    const shown = [
      format.count(unknown),
      format.rate(unknown),
      format.bytes(unknown),
      format.latency(unknown),
      format.duration(unknown),
      format.percent(unknown),
      format.clock(unknown),
      format.dateTime(unknown),
    ];
    assertEquals(new Set(shown), new Set(["–"]));
  }
});

Deno.test("Format.bytes() counts in units of 1,024", () => {
  assertEquals(format.bytes(0), "0 B");
  assertEquals(format.bytes(1023), "1,023 B");
  assertEquals(format.bytes(1024), "1 KiB");
  assertEquals(format.bytes(1.5 * 2 ** 20), "1.5 MiB");
  assertEquals(format.bytes(250 * 2 ** 30), "250 GiB");
  assertEquals(format.bytes(5000 * 2 ** 40), "5,000 TiB");
});

Deno.test("Format.latency() keeps the digits that count", () => {
  assertEquals(format.latency(0), "0 ms");
  assertEquals(format.latency(0.426), "0.43 ms");
  assertEquals(format.latency(12.34), "12.3 ms");
  assertEquals(format.latency(456.7), "457 ms");
  assertEquals(format.latency(2340), "2.3 s");
});

Deno.test("Format.duration() shows the two largest units", () => {
  assertEquals(format.duration(300), "< 1 s");
  assertEquals(format.duration(59_999), "59 s");
  assertEquals(format.duration(60_000), "1 min");
  assertEquals(format.duration(3_725_000), "1 h 2 min");
  assertEquals(format.duration(90_000_000), "1 d 1 h");
});

Deno.test("Format shows rates, shares and times", () => {
  assertEquals(format.rate(0.25), "0.3/s");
  assertEquals(format.rate(12_345.6), "12,346/s");
  assertEquals(format.percent(0.256), "26 %");
  assertEquals(format.percent(0.0026), "0.3 %");
  assertEquals(format.clock(Date.UTC(2025, 0, 2, 3, 4, 5)), "03:04:05");
  assertEquals(format.dateTime(Date.UTC(2025, 0, 2, 3, 4, 5)), "Jan 2, 03:04:05");
  assertEquals(
    new Format("zh-CN", "UTC").dateTime(Date.UTC(2025, 0, 2, 3, 4, 5)),
    "1月2日 03:04:05",
  );
});

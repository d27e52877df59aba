import { assertEquals, assertMatch } from "@std/assert";
import { enduranceComplaints, type EnduranceRun, WRITTEN_BYTES_PER_PUT_MAX } from "./endurance.ts";

const RUN: EnduranceRun = {
  callers: 64,
  puts: 1_000,
  failed: 0,
  perSecond: 2_000,
  p99Ms: 50,
  writtenBytes: 1e6,
};

Deno.test("enduranceComplaints() finds nothing wrong with runs that stay as they are", () => {
  const slow = { ...RUN, perSecond: 100 };
  assertEquals(enduranceComplaints([RUN]), []);
  // What counts is where it ends: a machine may stall in between.
  assertEquals(enduranceComplaints([RUN, slow, { ...RUN, perSecond: 1_601 }]), []);
});

Deno.test("enduranceComplaints() names what got slower, failed, or wrote too much", () => {
  const writtenBytes = RUN.puts * WRITTEN_BYTES_PER_PUT_MAX + 1_000;
  const complaints = enduranceComplaints([
    RUN,
    { ...RUN, failed: 3 },
    { ...RUN, writtenBytes },
    { ...RUN, perSecond: 1_599 },
  ]);
  assertEquals(complaints.length, 3);
  assertMatch(complaints[0] ?? "", /^3 of 1000 puts of run 2 of 64 callers failed$/);
  assertMatch(complaints[1] ?? "", /^Run 4 of 64 callers made 1599 puts\/s, the first 2000/);
  assertMatch(complaints[2] ?? "", /^8193 bytes were written to disk per put of 64 callers/);
});

Deno.test("enduranceComplaints() takes no run for no proof", () => {
  assertEquals(enduranceComplaints([]), ["There was no run"]);
});

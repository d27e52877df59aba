import { assertEquals, assertNotEquals } from "@std/assert";
import { createPrng } from "../../runtime/prng.ts";
import { IndexList, IndexSet } from "./open_operations.ts";

function contentsOf(list: IndexList): number[] {
  const contents: number[] = [];
  for (let i = list.first; i >= 0; i = list.after(i)) contents.push(i);
  return contents;
}

Deno.test("IndexList gives back what was removed, at its place", () => {
  const list = new IndexList([2, 0, 3, 1]);
  list.remove(0);
  list.remove(2);
  list.remove(1);
  assertEquals(contentsOf(list), [3]);
  list.remove(3);
  assertEquals(list.first, -1);
  for (const index of [3, 1, 2, 0]) list.restore(index);
  assertEquals(contentsOf(list), [2, 0, 3, 1]);
});

Deno.test("IndexSet.name is the same for equal sets and differs for others", () => {
  const size = 70;
  const names = new Map<string, string>();
  const prng = createPrng(1);
  const set = new IndexSet(size);
  const members = new Set<number>();
  for (let i = 0; i < 20_000; i++) {
    // Mostly filled from below, as a search fills it.
    const index = prng.below(3) === 0 ? prng.below(size) : Math.min(prng.below(size), members.size);
    if (members.delete(index)) set.delete(index);
    else {
      members.add(index);
      set.add(index);
    }
    const contents = [...members].toSorted((a, b) => a - b).join();
    assertEquals(names.get(set.name) ?? contents, contents);
    names.set(set.name, contents);
  }
  assertEquals(new Set(names.values()).size, names.size);
});

Deno.test("IndexSet.includesAll() compares with an earlier time", () => {
  const set = new IndexSet(40);
  set.add(3);
  set.add(33);
  const before = set.snapshot();
  set.add(20);
  assertEquals(set.includesAll(before), true);
  set.delete(33);
  assertEquals(set.includesAll(before), false);
  assertNotEquals(set.name, new IndexSet(40).name);
});

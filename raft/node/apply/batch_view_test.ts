import { assert, assertEquals } from "@std/assert";
import type { Write } from "../../../storage/engine.ts";
import { BatchView } from "./batch_view.ts";
import { KnownLengths } from "./known_lengths.ts";

const key = (name: string) => Buffer.from(name);
const put = (name: string, bytes: number): Write => ({
  type: "put",
  key: key(name),
  value: Buffer.alloc(bytes),
});
const lengthOf = (view: BatchView, name: string) => view.lengthOf(view.record(key(name)));
const del = (name: string): Write => ({ type: "del", key: key(name) });

/** What is stored, and which keys were read since the last look. */
class Store {
  readonly known = new KnownLengths({ secret: "1" });
  readonly #values = new Map<string, Buffer>();
  #read: string[] = [];

  /** A batch that looks lengths up ahead, then values. */
  async view(lengths: readonly string[], values: readonly string[] = []): Promise<BatchView> {
    const view = new BatchView(this.known);
    for (const name of lengths) view.length(key(name));
    for (const name of values) view.value(key(name));
    await view.lookUp((keys) => {
      const names = keys.map((each) => Buffer.from(each).toString());
      this.#read.push(...names);
      return Promise.resolve(names.map((name) => this.#values.get(name)));
    });
    return view;
  }

  write(view: BatchView): void {
    for (const write of view.takeWrites(Buffer.alloc(0))) {
      const name = Buffer.from(write.key).toString();
      if (write.type === "del") this.#values.delete(name);
      else this.#values.set(name, Buffer.from(write.value));
    }
  }

  async apply(names: readonly string[], ...writes: Write[]): Promise<void> {
    const view = await this.view(names);
    view.overlay(writes);
    this.write(view);
  }

  takeRead(): string[] {
    return this.#read.splice(0);
  }
}

Deno.test("BatchView knows how long the values of earlier batches are, and reads no other", async () => {
  const store = new Store();
  await store.apply(["a", "b", "c"], put("a", 3), put("b", 0));
  assertEquals(store.takeRead(), ["a", "b", "c"]);
  const view = await store.view(["a", "b", "c", "d"]);
  assertEquals(store.takeRead(), ["d"]);
  const lengths = ["a", "b", "c", "d"].map((name) => lengthOf(view, name));
  assertEquals(lengths, [3, 0, undefined, undefined]);
});

Deno.test("BatchView keeps remembered lengths true when values are replaced, deleted and written again", async () => {
  const store = new Store();
  const lengthNow = async () => lengthOf(await store.view(["a"]), "a");
  await store.apply(["a"], put("a", 3));
  await store.apply(["a"], put("a", 7));
  assertEquals(await lengthNow(), 7);
  await store.apply(["a"], del("a"));
  assertEquals(await lengthNow(), undefined);
  await store.apply(["a"], put("a", 2));
  assertEquals(await lengthNow(), 2);
  // Once it was read, nobody has to look at it for its changes to count.
  await store.apply([], put("a", 9));
  assertEquals(await lengthNow(), 9);
  assertEquals(store.takeRead(), ["a"]);
});

Deno.test("BatchView learns from values that it has to read", async () => {
  const store = new Store();
  await store.apply([], put("a", 3));
  await store.view([], ["a", "b"]);
  assertEquals(store.takeRead(), ["a", "b"]);
  const view = await store.view(["a", "b"]);
  assertEquals([lengthOf(view, "a"), lengthOf(view, "b")], [3, undefined]);
  assertEquals(store.takeRead(), []);
});

Deno.test("BatchView lets a command see what those before it did to a known value", async () => {
  const store = new Store();
  await store.apply(["a", "b"], put("a", 3));
  const view = await store.view(["a", "b"]);
  view.overlay([del("a"), put("b", 5)]);
  assertEquals([lengthOf(view, "a"), lengthOf(view, "b")], [undefined, 5]);
  view.overlay([put("a", 1), del("b")]);
  assertEquals([lengthOf(view, "a"), lengthOf(view, "b")], [1, undefined]);
  store.write(view);
  const next = await store.view(["a", "b"]);
  assertEquals([lengthOf(next, "a"), lengthOf(next, "b")], [1, undefined]);
});

Deno.test("BatchView holds few values at a time, however many lengths are wanted", async () => {
  const view = new BatchView(new KnownLengths({ secret: "1" }));
  const names = Array.from({ length: 1_000 }, (_, i) => `key-${i}`);
  for (const name of names) view.length(key(name));
  const reads: number[] = [];
  let isReading = false;
  await view.lookUp(async (keys) => {
    assertEquals(isReading, false);
    isReading = true;
    reads.push(keys.length);
    await Promise.resolve();
    isReading = false;
    return keys.map((each) => Buffer.alloc(Number(`${each}`.slice("key-".length))));
  });
  assert(Math.max(...reads) <= 128, `${reads} values at once`);
  assertEquals(names.map((name) => lengthOf(view, name)), names.map((_, i) => i));
});

Deno.test("BatchView tells keys apart whose hashes begin the same", async () => {
  const known = new KnownLengths({ secret: "1" });
  const hash = known.hash.bind(known);
  known.hash = (key, into = { a: 0, b: 0, c: 0 }) => Object.assign(into, hash(key), { a: 7 });
  const view = new BatchView(known);
  const names = ["a", "b", "c", "ab"];
  for (const name of names) view.length(key(name));
  await view.lookUp((keys) => Promise.resolve(keys.map((_, i) => Buffer.alloc(10 + i))));
  const lengths = () => names.map((name) => lengthOf(view, name));
  assertEquals(lengths(), [10, 11, 12, 13]);
  view.overlay([put("b", 1), del("c")]);
  assertEquals(lengths(), [10, 1, undefined, 13]);
  const written = view.takeWrites(Buffer.alloc(0)).map(({ key }) => Buffer.from(key).toString());
  assertEquals(written, ["b", "c"]);
  assertEquals(names.map((name) => known.get(known.hash(key(name)))), [10, 1, "absent", 13]);
});

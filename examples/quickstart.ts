/**
 * A first look at the library, against a cluster on this machine:
 *
 *     deno task cluster                    # in one terminal
 *     deno run -A examples/quickstart.ts   # in another
 */
// deno-lint-ignore-file no-console -- printing is what an example is for
import { connect, KvError } from "../mod.ts";

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

await using clerk = connect({
  controllers: "localhost:50051,localhost:50052,localhost:50053",
  timeoutMs: 5_000,
});

try {
  await clerk.put("fruit:apple", "red");
  await clerk.append("fruit:apple", " and round");
  console.log("get:", text(await clerk.get("fruit:apple")));

  // Concurrent calls travel together: this costs a few messages, not a thousand.
  const numbers = Array.from({ length: 1_000 }, (_, i) => i);
  await Promise.all(numbers.map((i) => clerk.put(`number:${i}`, String(i * i))));

  const first = await clerk.cas("fruit:pear", { expected: undefined, value: "green" });
  const second = await clerk.cas("fruit:pear", { expected: "blue", value: "yellow" });
  console.log("cas:", first.swapped, second.swapped, text(second.current));

  for await (const { key, value } of clerk.scan({ prefix: "fruit:" })) {
    console.log("scan:", text(key), "=", text(value));
  }

  await clerk.delete("fruit:pear");
} catch (error) {
  if (!(error instanceof KvError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  Deno.exitCode = 1;
}

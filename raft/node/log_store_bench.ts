/** What it takes to bring an entry into the form it is stored in: `deno task bench:micro raft/node`. */
import type { Entry } from "../types.ts";
import { LogStore } from "./log_store.ts";

for (const [puts, bytes] of [[1, 150], [256, 36_000], [7_000, 1 << 20]] as const) {
  const store = new LogStore(0, 0);
  const data = Buffer.alloc(bytes, 7);
  let index = 0;
  Deno.bench(`LogStore.append() of an entry of ${puts} puts`, () => {
    const entry: Entry = { index: ++index, term: 1, kind: "normal", data };
    store.append([entry]);
  });
}

const store = new LogStore(0, 0);
Deno.bench("LogStore.saveHardState()", () => {
  store.saveHardState({ term: 3, vote: 1, commit: 12_345 });
});

/** What it takes to bring an entry into the form it is stored in: `deno task bench:micro raft/node`. */
import { encodeRecord } from "../../../storage/journal/journal_record.ts";
import type { Entry } from "../../types.ts";
import { encodeLogRecord } from "./log_record.ts";

const HARD_STATE = { term: 3, vote: 1, commit: 12_345 };

for (const [puts, bytes] of [[1, 150], [256, 36_000], [7_000, 1 << 20]] as const) {
  const data = Buffer.alloc(bytes, 7);
  let index = 0;
  Deno.bench(`a record of the log with an entry of ${puts} puts`, () => {
    const entry: Entry = { index: ++index, term: 1, kind: "normal", data };
    encodeRecord(index, encodeLogRecord({ hardState: HARD_STATE, entries: [entry] }), 7);
  });
}

Deno.bench("a record of the log with a hard state alone", () => {
  encodeRecord(1, encodeLogRecord({ hardState: HARD_STATE, entries: [] }), 7);
});

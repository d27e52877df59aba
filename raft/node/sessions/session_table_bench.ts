/** What it takes to make writes take effect once: `deno task bench:micro raft/node`. */
import { SessionTable } from "./session_table.ts";

const REPLY = new Uint8Array();
/** Writes of one client that are under way together. */
const WINDOW = 256;

{
  const table = new SessionTable();
  let sequence = WINDOW;
  Deno.bench(`SessionTable takes ${WINDOW} writes of one client, and gives its record`, () => {
    const mark = sequence - WINDOW + 1;
    for (let i = 0; i < WINDOW; i++) {
      sequence++;
      table.begin("12345678901234567890", sequence, mark, sequence);
      table.finish("12345678901234567890", sequence, REPLY);
    }
    table.takeDirty();
  });
}

{
  const table = new SessionTable();
  const clients = Array.from({ length: WINDOW }, (_, i) => String(1_000_000 + i));
  let sequence = 1;
  Deno.bench(
    `SessionTable takes one write of each of ${WINDOW} clients, and gives their records`,
    () => {
      sequence++;
      for (const client of clients) {
        table.begin(client, sequence, sequence, sequence);
        table.finish(client, sequence, REPLY);
      }
      table.takeDirty();
    },
  );
}

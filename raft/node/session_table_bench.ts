/** What it takes to make writes take effect once: `deno task bench:micro raft/node`. */
import { SessionTable } from "./session_table.ts";

const reply = new Uint8Array();
/** Writes of one client that are under way together. */
const window = 256;

{
  const table = new SessionTable();
  let sequence = window;
  Deno.bench(`SessionTable takes ${window} writes of one client, and gives its record`, () => {
    const mark = sequence - window + 1;
    for (let i = 0; i < window; i++) {
      sequence++;
      table.begin("12345678901234567890", sequence, mark, sequence);
      table.finish("12345678901234567890", sequence, reply);
    }
    table.takeDirty();
  });
}

{
  const table = new SessionTable();
  const clients = Array.from({ length: window }, (_, i) => String(1_000_000 + i));
  let sequence = 1;
  Deno.bench(
    `SessionTable takes one write of each of ${window} clients, and gives their records`,
    () => {
      sequence++;
      for (const client of clients) {
        table.begin(client, sequence, sequence, sequence);
        table.finish(client, sequence, reply);
      }
      table.takeDirty();
    },
  );
}

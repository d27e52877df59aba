/**
 * `deno task faults`: real processes under load, one fault after the other, and a judgement after
 * each. See `-help` for the options, `-list` for the faults.
 */
import { randomSeed } from "../../runtime/prng.ts";
import { formatTable } from "../../runtime/table.ts";
import { StopRequest } from "../../tasks/cluster/stop_request.ts";
import { parseOrExit } from "../e2e/tool_flags.ts";
import { nemeses } from "./nemeses/mod.ts";
import { type FaultOptions, parseFaultOptions } from "./options.ts";
import { runSuite } from "./suite.ts";
import { complaint, tallyJson, tallyText } from "./tally.ts";

const SEEDS = 2 ** 32;
const encoder = new TextEncoder();

function say(text: string): void {
  Deno.stdout.writeSync(encoder.encode(text));
}

async function run(options: FaultOptions): Promise<number> {
  const seed = options.seed ?? 1 + randomSeed() % SEEDS;
  const { only, json } = options;
  const chosen = nemeses.filter(({ name }) => only.length === 0 || only.includes(name));
  const start = performance.now();
  const onEvent = (text: string) => {
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    if (!json) say(`${seconds.padStart(7)} s  ${text}\n`);
  };
  if (!json) say(`seed ${seed}\n`);
  // Ctrl-C lets the round end: what is mounted and running is put away in order.
  using stop = new StopRequest();
  const isOver = () => stop.requested;
  const result = await runSuite({ ...options, seed, nemeses: chosen, onEvent, isOver });
  say(json ? tallyJson(result) : tallyText(result));
  const wrong = complaint(result);
  if (wrong !== undefined) {
    const { folder } = result;
    const kept = folder === undefined ? "" : `Data, logs and history are kept in ${folder}\n`;
    Deno.stderr.writeSync(encoder.encode(`${wrong}\n${kept}`));
  }
  if (!json) say(`Run it again by: ${reproduction(options, seed)}\n`);
  return wrong === undefined ? 0 : 1;
}

/** The same faults in the same order; what the machine makes of them is never the same. */
function reproduction({ minutes, only, times, groups }: FaultOptions, seed: number): string {
  const words = ["deno task faults", `-seed ${seed}`];
  words.push(times > 0 ? `-times ${times}` : `-minutes ${minutes}`);
  if (only.length > 0) words.push(`-only ${only.join()}`);
  if (groups !== 2) words.push(`-groups ${groups}`);
  return words.join(" ");
}

if (import.meta.main) {
  const names = nemeses.map(({ name }) => name);
  const options = parseOrExit(() => parseFaultOptions(Deno.args, names));
  if (options.list) {
    say(formatTable(["FAULT", "WHAT"], nemeses.map(({ name, about }) => [name, about])));
  } else Deno.exit(await run(options));
}

/** `shardctrlerclient moves`, and what `-wait` does after a change: looks at shards on their way. */
import { KvError } from "../../rpc/errors.ts";
import type { Dialer } from "../../rpc/service.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { ConfigSource } from "../calls/routing.ts";
import { isSettled, type Moves, movesOf } from "../status/moves.ts";
import { groupStatus } from "../status/node_status.ts";
import { EXIT_OK } from "./cli_exit.ts";
import { movesJson, movesText } from "./moves_output.ts";

/** Milliseconds between two looks. */
const WATCH_MS = 1_000;

export interface MovesContext {
  readonly clerk: ConfigSource;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly json: boolean;
  /** Milliseconds without any progress after which watching ends. */
  readonly timeoutMs: number;
  /** Where each look goes. */
  readonly print: (text: string) => void;
}

/** Shows the moves once. */
export async function showMoves(context: MovesContext): Promise<number> {
  context.print(shown(await look(context), context));
  return EXIT_OK;
}

/**
 * Shows the moves again and again until every group has all its shards.
 *
 * @throws {KvError} DEADLINE_EXCEEDED when nothing came forward for `timeoutMs`
 */
export async function watchMoves(context: MovesContext): Promise<number> {
  const { clock, timeoutMs, print } = context;
  let last = "";
  for (let changedMs = clock.now();;) {
    const moves = await look(context);
    print(shown(moves, context));
    if (isSettled(moves)) return EXIT_OK;
    const mark = markOf(moves);
    if (mark !== last) changedMs = clock.now();
    last = mark;
    if (clock.now() - changedMs >= timeoutMs) throw standstill(moves, timeoutMs);
    await sleep(clock, WATCH_MS, new AbortController().signal);
  }
}

async function look({ clerk, dialer }: MovesContext): Promise<Moves> {
  const config = await clerk.query();
  return movesOf(config, await groupStatus(config, dialer));
}

function shown(moves: Moves, { json }: MovesContext): string {
  return json ? movesJson(moves) : movesText(moves);
}

/** Differs when anything has come forward. */
function markOf({ configNum, moves, behind }: Moves): string {
  const all = moves.map(({ shard, phase, bytesDone, keysDone }) => [
    shard,
    phase,
    bytesDone,
    keysDone,
  ]);
  return JSON.stringify([configNum, behind, all]);
}

function standstill({ moves, behind }: Moves, timeoutMs: number): KvError {
  const what = [
    ...moves.map(({ shard, fromGid, phase }) => `shard ${shard} from group ${fromGid} is ${phase}`),
    ...behind.map((gid) => `group ${gid} is behind`),
  ];
  return new KvError(
    "DEADLINE_EXCEEDED",
    `Cannot wait any longer: nothing came forward for ${timeoutMs} ms (${
      what.join(", ")
    }); see to ` +
      `the servers of those groups, the moves go on by themselves`,
  );
}

/** A client with a part in a scenario. */
import type { Stage } from "./stage.ts";

export interface Player {
  /** What to call it. */
  readonly key: string;
  /** Calls that changed something and were answered so far. */
  readonly words: number;
  /** Calls and calls until told to stop. */
  run(isOver: () => boolean): Promise<void>;
  /** Requires that all it knows is still so. */
  check(): Promise<void>;
}

export async function checkAll(stage: Stage, players: readonly Player[]): Promise<void> {
  await stage.run(Promise.all(players.map((player) => player.check())));
}

/** Processes that stand still for a while and then go on as if nothing had been. */
import type { Nemesis, Stage } from "../nemesis.ts";

/** The servers' default: 10 ticks of 100 ms. */
const ELECTION_MS = 1_000;

async function anyRole(stage: Stage): Promise<string> {
  const gid = stage.anyGid();
  // Leaders first of all: it is they who come back and do not know that they lead no more.
  return stage.draw.oneIn(3) ? await stage.followerOf(gid) : await stage.leaderOf(gid);
}

function pause(times: number): Nemesis {
  return {
    name: `pause-${times}x`,
    about: `SIGSTOP of a leader or follower for ${times} election timeout${times > 1 ? "s" : ""}`,
    strike: async (stage) => {
      const label = await anyRole(stage);
      stage.cluster.signal([label], "SIGSTOP");
      stage.note(`stop ${label} for ${times} s`);
      await stage.hold(times * ELECTION_MS);
      stage.cluster.signal([label], "SIGCONT");
      await stage.hold(ELECTION_MS);
    },
  };
}

export const pauses: readonly Nemesis[] = [pause(1), pause(3), pause(10)];

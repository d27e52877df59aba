/** Processes that are killed, as a crash or an operator in a hurry would. */
import type { Nemesis, Stage } from "../nemesis.ts";

const KILLED_MS_MIN = 1_000;
const KILLED_MS_MAX = 4_000;
/** Kills of one round of `kill-random`. */
const RANDOM_KILLS = 5;

async function kill(stage: Stage, labels: readonly string[]): Promise<void> {
  await stage.cluster.kill(labels);
  stage.note(`kill -9 ${labels.join(" ")}`);
  await stage.holdBetween(KILLED_MS_MIN, KILLED_MS_MAX);
}

export const killLeader: Nemesis = {
  name: "kill-leader",
  about: "kill -9 of the leader of a group",
  strike: async (stage) => {
    await kill(stage, [await stage.leaderOf(stage.draw.pick(stage.cluster.gids))]);
  },
};

export const killFollower: Nemesis = {
  name: "kill-follower",
  about: "kill -9 of a follower",
  strike: async (stage) => {
    await kill(stage, [await stage.followerOf(stage.anyGid())]);
  },
};

export const killController: Nemesis = {
  name: "kill-controller",
  about: "kill -9 of the controllers' leader",
  strike: async (stage) => {
    await kill(stage, [await stage.leaderOf(0)]);
  },
};

export const killGroup: Nemesis = {
  name: "kill-group",
  about: "kill -9 of all members of a group, or of all controllers",
  strike: (stage) => kill(stage, stage.cluster.labelsOf(stage.anyGid())),
};

export const killAll: Nemesis = {
  name: "kill-all",
  about: "kill -9 of every process",
  combines: false,
  strike: (stage) => kill(stage, stage.cluster.labels),
};

export const killRandom: Nemesis = {
  name: "kill-random",
  about: "kill -9 of one process after the other, each started again at once",
  strike: async (stage) => {
    const { cluster, draw } = stage;
    for (let i = 0; i < RANDOM_KILLS; i++) {
      const label = draw.pick(cluster.labels);
      await cluster.kill([label]);
      stage.note(`kill -9 ${label}`);
      await stage.holdBetween(0, 1_000);
      await cluster.start([label]);
    }
  },
};

export const rollingRestart: Nemesis = {
  name: "rolling-restart",
  about: "every process is stopped in order and started again, one after the other",
  combines: false,
  strike: async (stage) => {
    const { cluster, draw } = stage;
    const turns = cluster.labels.map((label) => ({ label, order: draw.fraction() }));
    for (const { label } of turns.sort((a, b) => a.order - b.order)) {
      await cluster.stop([label]);
      await cluster.start([label]);
      stage.note(`restart ${label}`);
    }
  },
};

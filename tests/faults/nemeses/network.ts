/** Links that let nothing through, or late, or not for long. */
import type { LinkRule } from "../link_rules.ts";
import type { Nemesis, Stage } from "../nemesis.ts";

const CUT_MS_MIN = 2_500;
const CUT_MS_MAX = 6_000;
const DELAY_MS = 25;
const JITTER_MS = 100;
/** One chunk in so many is lost and sent anew. */
const LOSS_ODDS = 12;
const RESET_EVERY_MS = 150;
const RESETS = 30;

function othersThan({ cluster }: Stage, some: readonly string[]): string[] {
  return cluster.labels.filter((label) => !some.includes(label));
}

const partitionHalves: Nemesis = {
  name: "partition-halves",
  about: "all nodes are split in two; clients reach both sides",
  strike: async (stage) => {
    const { cluster, draw } = stage;
    const some = draw.subset(cluster.labels);
    const side = some.length === 0 || some.length === cluster.labels.length
      ? [draw.pick(cluster.labels)]
      : some;
    cluster.links.cut(side, othersThan(stage, side));
    stage.note(`cut ${side.join(" ")} from the rest`);
    await stage.holdBetween(CUT_MS_MIN, CUT_MS_MAX);
  },
};

async function isolate(stage: Stage, label: string): Promise<void> {
  const { cluster, draw } = stage;
  cluster.links.cut([label], othersThan(stage, [label]));
  const isAlone = draw.oneIn(2);
  if (isAlone) cluster.links.cutClients([label]);
  stage.note(`cut ${label} from ${isAlone ? "everybody" : "all nodes"}`);
  await stage.holdBetween(CUT_MS_MIN, CUT_MS_MAX);
}

const partitionLeader: Nemesis = {
  name: "partition-leader",
  about: "the leader of a group is alone, with its clients or without",
  strike: async (stage) => {
    await isolate(stage, await stage.leaderOf(stage.draw.pick(stage.cluster.gids)));
  },
};

const partitionController: Nemesis = {
  name: "partition-controller",
  about: "the leader of the controllers is alone",
  strike: async (stage) => await isolate(stage, await stage.leaderOf(0)),
};

const oneWay: Nemesis = {
  name: "one-way-cut",
  about: "a leader speaks and hears nothing, or hears and cannot speak",
  strike: async (stage) => {
    const { cluster, draw } = stage;
    const leader = await stage.leaderOf(stage.anyGid());
    const others = othersThan(stage, [leader]);
    const isDeaf = draw.oneIn(2);
    if (isDeaf) cluster.links.rule(others, [leader], { cut: true });
    else cluster.links.rule([leader], others, { cut: true });
    stage.note(`${leader} is ${isDeaf ? "deaf" : "dumb"}`);
    await stage.holdBetween(CUT_MS_MIN, CUT_MS_MAX);
  },
};

function onEveryLink(name: string, about: string, rule: LinkRule): Nemesis {
  return {
    name,
    about,
    strike: async (stage) => {
      const { links, labels } = stage.cluster;
      links.rule(labels, labels, rule);
      stage.note(`${name} on every link`);
      await stage.holdBetween(CUT_MS_MIN, CUT_MS_MAX);
    },
  };
}

const delay = onEveryLink(
  "delay",
  `every link takes ${DELAY_MS} to ${DELAY_MS + JITTER_MS} ms`,
  { delayMs: DELAY_MS, jitterMs: JITTER_MS },
);

const loss = onEveryLink(
  "loss",
  "every link loses bytes, which TCP sends anew after 0.2 to 1.5 s",
  { lossOdds: LOSS_ODDS },
);

const churn: Nemesis = {
  name: "churn",
  about: "connections of one node after the other are broken, clients' too",
  strike: async (stage) => {
    const { cluster, draw } = stage;
    for (let i = 0; i < RESETS; i++) {
      const label = draw.pick(cluster.labels);
      cluster.links.reset([label]);
      stage.note(`reset ${label}`);
      await stage.hold(RESET_EVERY_MS);
    }
  },
};

export const network: readonly Nemesis[] = [
  partitionHalves,
  partitionLeader,
  partitionController,
  oneWay,
  delay,
  loss,
  churn,
];

/** Everybody who does harm, in the order in which they are listed. */
import type { Nemesis } from "../nemesis.ts";
import { admin } from "./admin.ts";
import { disks } from "./disks.ts";
import {
  killAll,
  killController,
  killFollower,
  killGroup,
  killLeader,
  killRandom,
  rollingRestart,
} from "./kills.ts";
import { network } from "./network.ts";
import { pauses } from "./pauses.ts";
import { pileUp } from "./pile_up.ts";

const single: readonly Nemesis[] = [
  killLeader,
  killFollower,
  killController,
  killGroup,
  killAll,
  killRandom,
  rollingRestart,
  ...pauses,
  ...network,
  ...disks,
  ...admin,
];

export const nemeses: readonly Nemesis[] = [
  ...single,
  pileUp(single.filter(({ combines = true }) => combines)),
];

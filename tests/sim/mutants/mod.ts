/** All planted bugs. */
import { electionMutants } from "./elections.ts";
import { handOverMutants } from "./hand_over.ts";
import { lengthMutants } from "./lengths.ts";
import { liveCopyMutants } from "./live_copy.ts";
import { memberMutants } from "./members.ts";
import type { Mutant } from "./mutant.ts";
import { readMutants } from "./reads.ts";
import { replicationMutants } from "./replication.ts";
import { sessionMutants } from "./sessions.ts";
import { shardMutants } from "./shards.ts";
import { storageMutants } from "./storage.ts";

export type { Mutant } from "./mutant.ts";

export const mutants: readonly Mutant[] = [
  ...electionMutants,
  ...replicationMutants,
  ...storageMutants,
  ...lengthMutants,
  ...readMutants,
  ...sessionMutants,
  ...shardMutants,
  ...liveCopyMutants,
  ...handOverMutants,
  ...memberMutants,
];

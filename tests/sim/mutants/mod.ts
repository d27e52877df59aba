/** All planted bugs. */
import { ELECTION_MUTANTS } from "./elections.ts";
import { HAND_OVER_MUTANTS } from "./hand_over.ts";
import { LEASE_MUTANTS } from "./leases.ts";
import { LENGTH_MUTANTS } from "./lengths.ts";
import { LIVE_COPY_MUTANTS } from "./live_copy.ts";
import { MEMBER_MUTANTS } from "./members.ts";
import type { Mutant } from "./mutant.ts";
import { READ_MUTANTS } from "./reads.ts";
import { REPLICATION_MUTANTS } from "./replication.ts";
import { SESSION_MUTANTS } from "./sessions.ts";
import { SHARD_MUTANTS } from "./shards.ts";
import { STORAGE_MUTANTS } from "./storage.ts";

export type { Mutant } from "./mutant.ts";

export const MUTANTS: readonly Mutant[] = [
  ...ELECTION_MUTANTS,
  ...REPLICATION_MUTANTS,
  ...STORAGE_MUTANTS,
  ...LENGTH_MUTANTS,
  ...READ_MUTANTS,
  ...LEASE_MUTANTS,
  ...SESSION_MUTANTS,
  ...SHARD_MUTANTS,
  ...LIVE_COPY_MUTANTS,
  ...HAND_OVER_MUTANTS,
  ...MEMBER_MUTANTS,
];

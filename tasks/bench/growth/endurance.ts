/** Whether a load that is repeated goes on as it began. Pure. */

/** One run of `shardkvclient bench`. */
export interface EnduranceRun {
  readonly callers: number;
  readonly puts: number;
  readonly failed: number;
  readonly perSecond: number;
  readonly p99Ms: number;
  /** By all servers while it lasted. */
  readonly writtenBytes: number;
}

/** The last run may be slower than the first by this part. */
const SLOWER_MAX = 0.2;
/**
 * Bytes written to disk for a put of eRaft's short texts, by all servers: three
 * replicas write the log and what is applied, tables some times over, and every
 * sync a page at least, which few callers share.
 */
export const WRITTEN_BYTES_PER_PUT_MAX = 8_192;

/** @param runs Of one number of callers, in the order they were made; one or more */
export function enduranceComplaints(runs: readonly EnduranceRun[]): string[] {
  const [first] = runs;
  const last = runs.at(-1);
  if (first === undefined || last === undefined) return ["There was no run"];
  const of = `of ${first.callers} callers`;
  const complaints = runs.flatMap(({ failed, puts }, i) =>
    failed === 0 ? [] : [`${failed} of ${puts} puts of run ${i + 1} ${of} failed`]
  );
  if (last.perSecond < (1 - SLOWER_MAX) * first.perSecond) {
    complaints.push(
      `Run ${runs.length} ${of} made ${Math.round(last.perSecond)} puts/s, the first ` +
        `${Math.round(first.perSecond)}: at most ${100 * SLOWER_MAX} % fewer are allowed`,
    );
  }
  const most = Math.max(...runs.map(writtenPerPut));
  if (most > WRITTEN_BYTES_PER_PUT_MAX) {
    complaints.push(
      `${Math.round(most)} bytes were written to disk per put ${of}: at most ` +
        `${WRITTEN_BYTES_PER_PUT_MAX} are allowed`,
    );
  }
  return complaints;
}

export function writtenPerPut({ writtenBytes, puts }: EnduranceRun): number {
  return writtenBytes / puts;
}

/** What leaders believe of their followers, and what they let pile up: items 12 and 13. */
import type { Message } from "../../../raft/message.ts";
import type { Ready } from "../../../raft/ready.ts";
import type { ProgressStatus, RawNodeStatus } from "../../../raft/status.ts";
import type { Entry, LogIndex, NodeId } from "../../../raft/types.ts";
import type { NodeView, Observer } from "../observation.ts";
import { check } from "./items.ts";
import type { Ledger } from "./ledger.ts";
import type { CheckedLimits } from "./limits.ts";
import { durableFacts, storedSizes } from "./stored_facts.ts";
import { ledThroughout, type Turns } from "./turns.ts";

export class ProgressChecker implements Observer {
  readonly #turns: Turns;
  readonly #ledger: Ledger;
  readonly #limits: CheckedLimits;
  /** Data bytes of each life's entries, by index. */
  readonly #sizes = new WeakMap<NodeView, Map<LogIndex, number>>();
  readonly #leads = new WeakSet<NodeView>();
  /** Bytes of the largest entry there was: one that is larger than a window still travels. */
  #largest = 0;

  constructor(turns: Turns, ledger: Ledger, limits: CheckedLimits) {
    this.#turns = turns;
    this.#ledger = ledger;
    this.#limits = limits;
  }

  nodeStarted(node: NodeView): void {
    const sizes = storedSizes(node.content());
    this.#sizes.set(node, sizes);
    this.#largest = Math.max(this.#largest, ...sizes.values());
  }

  roundTaken(node: NodeView, { entries, softState }: Ready): void {
    if (softState?.role === "leader") this.#leads.add(node);
    else if (softState !== undefined) this.#leads.delete(node);
    if (entries.length > 0) this.#noteEntries(node, entries, node.status());
  }

  messageLeft(node: NodeView, message: Message): void {
    if (message.type !== "append") return;
    const bytes = message.entries.reduce((sum, { data }) => sum + data.length, 0);
    check(
      bytes <= this.#limits.appendBytesMax || message.entries.length === 1,
      "windows",
      () => `${node.address} sent ${message.entries.length} entries of ${bytes} bytes at once`,
    );
  }

  turnEnded(node: NodeView): void {
    const turn = this.#turns.of(node);
    const { now, before } = turn;
    if (now.role !== "leader") return;
    for (const [id, progress] of now.progress) {
      const earlier = ledThroughout(turn) ? before.progress.get(id) : undefined;
      checkProgress(node, id, progress, earlier);
      this.#checkWindow(node, id, progress);
      if (id !== now.id) this.#checkMatch(node, id, progress.match, now);
    }
  }

  #noteEntries(node: NodeView, entries: readonly Entry[], status: RawNodeStatus): void {
    const sizes = this.#sizes.get(node) ?? new Map<LogIndex, number>();
    this.#sizes.set(node, sizes);
    let uncommitted = 0;
    const first = entries[0]?.index ?? 0;
    for (let index = status.commit + 1; index < first; index++) {
      uncommitted += sizes.get(index) ?? 0;
    }
    for (const { index, term, data: { length } } of entries) {
      sizes.set(index, length);
      this.#largest = Math.max(this.#largest, length);
      const isOwn = this.#leads.has(node) && term === status.term;
      check(
        !isOwn || uncommitted === 0 || length === 0 ||
          uncommitted + length <= this.#limits.uncommittedBytesMax,
        "windows",
        () => `${node.address} took ${length} bytes on top of ${uncommitted} uncommitted ones`,
      );
      uncommitted += length;
    }
  }

  #checkWindow(node: NodeView, id: NodeId, progress: ProgressStatus): void {
    const { inflightMessagesMax, inflightBytesMax, appendBytesMax } = this.#limits;
    const { inflightMessages, inflightBytes } = progress;
    // The message that fills the window may be as large as a message can be.
    const bytesMax = inflightBytesMax + Math.max(appendBytesMax, this.#largest);
    check(
      inflightMessages <= inflightMessagesMax && inflightBytes < bytesMax,
      "windows",
      () =>
        `${node.address} has ${inflightMessages} messages of ${inflightBytes} bytes on their ` +
        `way to ${id}`,
    );
  }

  /** What a member is said to have is on its disk, unless a newer leader has cut its log. */
  #checkMatch(node: NodeView, id: NodeId, match: LogIndex, { term }: RawNodeStatus): void {
    const member = this.#ledger.of(node.gid).members.get(id);
    if (member === undefined || member.stopped !== undefined || match === 0) return;
    const stored = durableFacts(member.view.durable());
    check(
      stored.term > term || match <= stored.last,
      "progress",
      () =>
        `${node.address} believes that ${member.view.address} has entries up to ${match}: ` +
        `its disk ends at ${stored.last}`,
    );
  }
}

function checkProgress(
  node: NodeView,
  id: NodeId,
  { match, next }: ProgressStatus,
  before: ProgressStatus | undefined,
): void {
  check(
    next > match,
    "progress",
    () => `${node.address} sends ${next} next to ${id}, which has ${match}`,
  );
  check(
    before === undefined || match >= before.match,
    "progress",
    () => `${node.address} lowered what ${id} has from ${before?.match} to ${match}`,
  );
}

/** Keeps book of writes: what was acknowledged must be there, and nothing may be there twice. */
import { assertEquals } from "@std/assert";
import type { NodeId } from "../../types.ts";
import type { ReplyAt } from "../requests/proposals.ts";
import type { TestGroup } from "./test_group.ts";

export class WriteLedger {
  readonly acknowledged: string[] = [];
  /** Refused or never answered: they may have happened. */
  readonly maybe: string[] = [];
  #next = 0;

  /** Proposes a token nobody else uses on the node, and keeps book of the outcome. */
  write(group: TestGroup, id: NodeId, replyAt: ReplyAt = "applied"): void {
    const token = `<${this.#next++}>`;
    group.node(id).propose(Buffer.from(`x=${token}`), replyAt).then(
      () => this.acknowledged.push(token),
      () => this.maybe.push(token),
    );
  }

  /** @param value Register x as a replica has it in the end */
  check(value: string): void {
    const seen = value.match(/<\d+>/g) ?? [];
    assertEquals(new Set(seen).size, seen.length, "A write took effect twice");
    const acknowledged = new Set(this.acknowledged);
    const found = seen.filter((token) => acknowledged.has(token));
    assertEquals(found.length, acknowledged.size, "An acknowledged write is gone");
  }
}

import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { KvError } from "../../rpc/errors.ts";
import type { Engine } from "../../storage/engine.ts";
import type { Ready } from "../ready.ts";
import { readyOf } from "../testing/ready.ts";
import type { NodeId } from "../types.ts";
import { Rounds, type RoundsOptions } from "./rounds.ts";
import { TestGroup } from "./testing/test_group.ts";

/** Disks whose syncs do not end while they hang, as on a thread beside the event loop. */
class HangingDisks {
  readonly #hung = new Set<NodeId>();
  readonly #release = Promise.withResolvers<void>();

  hang(id: NodeId): void {
    this.#hung.add(id);
  }

  goOn(): void {
    this.#hung.clear();
    this.#release.resolve();
  }

  wrap(id: NodeId, engine: Engine): Engine {
    const { journal } = engine;
    const append = journal.append.bind(journal);
    journal.append = async (payload) => {
      await append(payload);
      if (this.#hung.has(id)) await this.#release.promise;
    };
    return engine;
  }
}

Deno.test("a leader whose disk hangs is replaced, and who has proposed is told", async () => {
  const disks = new HangingDisks();
  const group = await TestGroup.start(3, 1, { engine: (id, engine) => disks.wrap(id, engine) });
  const leader = await group.leader();
  await group.write("x=before.");
  disks.hang(leader);
  const proposed = group.node(leader).propose(Buffer.from("x=during."));
  const told = assertRejects(() => group.clock.resolve(proposed, 10_000), KvError, "leader");
  await group.clock.advance(6_000);
  assertNotEquals(await group.leader(), leader);
  await told;
  await group.write("x=after.");
  disks.goOn();
  await group.clock.advance(1_000);
  assertEquals(group.failures, []);
  await group.stop();
});

Deno.test("Rounds with nothing to save or to promise are not kept behind a write", () => {
  const nothing = readyOf({});
  const promise = readyOf({ hardState: { term: 2, vote: 0, commit: 0 } });
  const rounds = [nothing, promise, nothing];
  const kept: Ready[] = [];
  const options = {
    core: { hasReady: () => rounds.length > 0, ready: () => rounds.shift() },
    persister: { hasPending: true, enqueue: ({ ready }: { ready: Ready }) => kept.push(ready) },
    snapshots: { takeInstallation: () => undefined },
    barriers: { hasWaiting: false },
    held: { watch: () => {} },
  };
  new Rounds(options as unknown as RoundsOptions).take();
  assertEquals(kept, [promise]);
});

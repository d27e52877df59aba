import { ResultCode } from "../../../proto/gen/shardkv.ts";
import type { Config } from "../../../shardctrler/configuration/config.ts";
import type { OperationInput } from "../history.ts";
import type { AppliedEntry } from "../observation.ts";
import { CensusChecker } from "./census.ts";
import {
  assertTrips,
  configOf,
  configProposal,
  dropProposal,
  entryOf,
  FakeNode,
  insertProposal,
  payload,
  watching,
  writesProposal,
} from "./checker_testing.ts";
import { ConfigStepChecker } from "./config_steps.ts";
import { Frontier } from "./frontier.ts";
import { HandoverChecker } from "./handover.ts";
import { Ledger } from "./ledger.ts";
import { ServingChecker } from "./serving.ts";
import { SizeChecker } from "./shard_size.ts";
import { Turns } from "./turns.ts";

/** Puts the node's only shard into a status. */
function hold(node: FakeNode, config: Config, status: string | undefined, incarnation = 1): void {
  const shards = status === undefined ? [] : [[0, { shard: 0, incarnation, status }] as const];
  const { config: previous } = node.ownership;
  node.ownership = { config, previous, shards: new Map(shards), garbage: [] };
}

function step(index: number, proposal: Uint8Array, reply: unknown): AppliedEntry {
  return { entry: entryOf(index, 1, payload(proposal)), replies: [reply] };
}

const DONE = { kind: "step", outcome: "done" };

function newServing() {
  const frontier = new Frontier();
  return watching(frontier, new ServingChecker(frontier));
}

Deno.test("Item 21 trips on two groups that serve a shard in one configuration", () => {
  const all = newServing();
  const [a, b] = [new FakeNode(1, { gid: 1 }), new FakeNode(1, { gid: 2 })];
  hold(a, configOf(3, [1]), "Serving");
  all.appliedTo(a.view, 1);
  hold(b, configOf(3, [1]), "BePulling");
  all.appliedTo(b.view, 1);
  hold(b, configOf(3, [1]), "GCing");
  assertTrips("oneServer", () => all.appliedTo(b.view, 2));
});

Deno.test("Item 21 trips on a shard that is served anew before its last owner has frozen it", () => {
  const all = newServing();
  const [a, b] = [new FakeNode(1, { gid: 1 }), new FakeNode(1, { gid: 2 })];
  const behind = new FakeNode(2, { gid: 1 });
  hold(behind, configOf(3, [1]), "Serving");
  all.appliedTo(behind.view, 4);
  hold(a, configOf(4, [2]), "BePulling");
  all.appliedTo(a.view, 5);
  hold(b, configOf(4, [2]), "GCing");
  // One replica of the source has frozen it: those behind it serve nobody.
  all.appliedTo(b.view, 9);
  const hasty = newServing();
  hasty.appliedTo(behind.view, 4);
  assertTrips("oneServer", () => hasty.appliedTo(b.view, 9));
});

Deno.test("Item 21 lets a group serve a shard that is leaving it, until its new owner does", () => {
  const [a, b] = [new FakeNode(1, { gid: 1 }), new FakeNode(1, { gid: 2 })];
  const all = newServing();
  hold(a, configOf(4, [2]), "Leaving");
  all.appliedTo(a.view, 5);
  hold(b, configOf(4, [2]), "Pulling");
  all.appliedTo(b.view, 8);
  hold(a, configOf(4, [2]), "BePulling");
  all.appliedTo(a.view, 6);
  hold(b, configOf(4, [2]), "GCing");
  all.appliedTo(b.view, 9);
  const hasty = newServing();
  hold(a, configOf(4, [2]), "Leaving");
  hasty.appliedTo(a.view, 5);
  assertTrips("oneServer", () => hasty.appliedTo(b.view, 9));
});

Deno.test("Item 21 trips on a write that is answered by a group that does not serve its shard", () => {
  const all = newServing();
  const node = new FakeNode(1);
  const write = (code: ResultCode) => {
    const result = { code, value: Buffer.alloc(0), hasValue: false };
    const proposal = writesProposal("77", 1, "key");
    all.entriesApplied(node.view, [step(1, proposal, { kind: "writes", results: [result] })]);
  };
  hold(node, configOf(3, [1]), "Serving");
  write(ResultCode.RESULT_OK);
  for (const status of ["Pulling", "BePulling", "Frozen", undefined]) {
    hold(node, configOf(3, [1]), status);
    write(ResultCode.RESULT_WRONG_GROUP);
    assertTrips("oneServer", () => write(ResultCode.RESULT_OK));
  }
});

Deno.test("Item 22 trips on a group that skips a configuration, or goes back", () => {
  const checker = new ConfigStepChecker();
  const node = new FakeNode(1);
  hold(node, configOf(3, [1]), "Serving");
  checker.nodeStarted(node.view);
  const enter = (num: number, reply: unknown = DONE) =>
    checker.entriesApplied(node.view, [step(num, configProposal(num), reply)]);
  enter(4);
  enter(9, { kind: "step", outcome: "notReady" });
  enter(5);
  assertTrips("configSteps", () => enter(7));
  assertTrips("configSteps", () => enter(5));
});

Deno.test("Item 22 trips on a group that goes on while a shard is in between", () => {
  for (const status of ["Pulling", "Leaving", "BePulling", "GCing"]) {
    const checker = new ConfigStepChecker();
    const node = new FakeNode(1);
    hold(node, configOf(3, [1]), status);
    checker.nodeStarted(node.view);
    assertTrips("configSteps", () => {
      checker.entriesApplied(node.view, [step(1, configProposal(4), DONE)]);
    });
  }
});

const userRecord = (incarnation: number, key: string) =>
  Buffer.concat([Buffer.of(0x04, 0, 0, 0, 0, 0, incarnation, 0x02), Buffer.from(key)]);
const sessionRecord = (incarnation: number, client: number) =>
  Buffer.of(0x04, 0, 0, 0, 0, 0, incarnation, 0x01, 0, 0, 0, 0, 0, 0, 0, client);
/** Format 1, last used at `timeMs`, and the rest. */
const session = (timeMs: number, rest: string) =>
  Buffer.concat([Buffer.of(1, timeMs), Buffer.from(rest)]);

/**
 * Shard 0 has come from group 1, where it is kept, to group 2, by entry 1.
 *
 * @param shown Up to which entry the gainer's engine is
 */
function moveWith(change: (gainer: FakeNode) => void, shown = 1): void {
  const turns = new Turns();
  const ledger = new Ledger(turns);
  const frontier = new Frontier();
  const all = watching(turns, ledger, frontier, new HandoverChecker(ledger, frontier));
  const [source, gainer] = [new FakeNode(1, { gid: 1 }), new FakeNode(1, { gid: 2 })];
  for (const node of [source, gainer]) hold(node, configOf(3, [1]), "Serving");
  hold(source, configOf(4, [2]), "BePulling");
  source.put(userRecord(1, "key"), Buffer.from("value"));
  source.put(sessionRecord(1, 7), session(50, "rest"));
  hold(gainer, configOf(4, [2]), "GCing", 4);
  gainer.put(userRecord(4, "key"), Buffer.from("value"));
  gainer.put(sessionRecord(4, 7), session(90, "rest"));
  change(gainer);
  all.nodeStarted(source.view);
  all.nodeStarted(gainer.view);
  all.entriesApplied(gainer.view, [step(1, insertProposal(4, 0), DONE)]);
  all.appliedTo(gainer.view, shown);
}

Deno.test("Item 23 trips on a shard that comes with other values than it left with", () => {
  moveWith(() => {});
  assertTrips("census", () => moveWith((node) => node.put(userRecord(4, "key"), Buffer.of(1))));
  assertTrips("census", () => moveWith((node) => node.put(userRecord(4, "new"), Buffer.of(1))));
});

Deno.test("Item 23 looks at a shard that has come once the engine shows all of it", () => {
  moveWith((node) => node.put(userRecord(4, "key"), Buffer.of(1)), 0);
});

Deno.test("Item 23 trips on a shard of another size than its new owner says", () => {
  const size = { shard: 0, status: "GCing", keys: 1, bytes: 8 };
  moveWith((gainer) => gainer.figures = [size]);
  assertTrips("census", () => moveWith((gainer) => gainer.figures = [{ ...size, keys: 2 }]));
  assertTrips("census", () => moveWith((gainer) => gainer.figures = [{ ...size, bytes: 9 }]));
});

Deno.test("Item 24 trips on a shard that is served without what its clients were answered", () => {
  assertTrips("sessionsMove", () => {
    moveWith((node) => node.put(sessionRecord(4, 7), session(90, "less")));
  });
  moveWith((node) => node.put(sessionRecord(4, 8), session(90, "another client's")));
});

Deno.test("Item 23 trips on a source that gives a shard up before it has come", () => {
  const give = (status: string) => {
    const turns = new Turns();
    const ledger = new Ledger(turns);
    const frontier = new Frontier();
    const all = watching(turns, ledger, frontier, new HandoverChecker(ledger, frontier));
    const [source, gainer] = [new FakeNode(1, { gid: 1 }), new FakeNode(1, { gid: 2 })];
    hold(source, configOf(4, [2]), "BePulling");
    hold(gainer, configOf(4, [2]), status);
    all.nodeStarted(source.view);
    all.nodeStarted(gainer.view);
    all.entriesApplied(source.view, [step(1, dropProposal(4, 0), DONE)]);
  };
  give("GCing");
  assertTrips("census", () => give("Pulling"));
});

/** The end of a run with one shard on group 1; late writes of `key` had no answer. */
function restWith(
  nodes: readonly FakeNode[],
  read: string | undefined,
  late: readonly OperationInput[] = [],
): void {
  const history = late.map((input) => ({
    id: 1,
    client: 1,
    method: input.kind,
    call: 1,
    key: "key",
    input,
    invoked: 1,
    invokedMs: 1,
    returned: 2,
    returnedMs: 2,
    outcome: { kind: "maybe", error: "" } as const,
  }));
  new CensusChecker().ended({
    nowMs: 0,
    nodes: nodes.map(({ view }) => view),
    config: configOf(4, [1]),
    history,
    finalValues: new Map([["key", read]]),
  });
}

function ownerOf(gid: number, key: string, value: string): FakeNode {
  const node = new FakeNode(1, { gid });
  hold(node, configOf(4, [1]), "Serving", 4);
  node.put(userRecord(4, key), Buffer.from(value));
  return node;
}

Deno.test("Item 23 trips on a key that is lost, wrong, or in another group's hands", () => {
  restWith([ownerOf(1, "key", "value")], "value");
  restWith([ownerOf(1, "key", "")], undefined);
  assertTrips("census", () => restWith([ownerOf(1, "key", "other")], "value"));
  assertTrips("census", () => restWith([ownerOf(1, "another", "value")], "value"));
  assertTrips("census", () => {
    restWith([ownerOf(1, "key", "value"), ownerOf(2, "key", "value")], "value");
  });
});

Deno.test("Item 23 lets writes without an answer come after the last read, but nothing else", () => {
  const late = [{ kind: "append", value: "+1" }, { kind: "append", value: "+2" }] as const;
  restWith([ownerOf(1, "key", "value+2+1")], "value", late);
  restWith([ownerOf(1, "key", "other")], "value", [{ kind: "put", value: "other" }]);
  restWith([ownerOf(1, "key", "")], "value", [{ kind: "delete" }]);
  assertTrips("census", () => restWith([ownerOf(1, "key", "value+1+1")], "value", late));
  assertTrips("census", () => restWith([ownerOf(1, "key", "+1")], "value", late));
});

/** Status, incarnation, keys, bytes. */
function shardRecord(incarnation: number, keys: number, bytes: number): Buffer {
  const record = Buffer.alloc(21);
  record.writeUInt32BE(incarnation, 1);
  record.writeBigUInt64BE(BigInt(keys), 5);
  record.writeBigUInt64BE(BigInt(bytes), 13);
  return record;
}

Deno.test("Item 23 trips on a shard that is said to hold more or less than it does", () => {
  const rest = (keys: number, bytes: number) => {
    const node = new FakeNode(1, { gid: 1 });
    node.put(userRecord(4, "key"), Buffer.from("value"));
    node.put(userRecord(4, "cl\u00e9"), Buffer.alloc(0));
    node.put(userRecord(3, "of an earlier stay"), Buffer.from("value"));
    node.put(sessionRecord(4, 7), session(50, "rest"));
    node.put(Buffer.of(0x02, 0, 0), shardRecord(4, keys, bytes));
    new SizeChecker().appliedTo(node.view, 64);
  };
  rest(2, 12);
  assertTrips("census", () => rest(1, 12));
  assertTrips("census", () => rest(2, 11));
});

Deno.test("Item 23 counts every shard once more at the end, and nothing at controllers", () => {
  const node = new FakeNode(1, { gid: 1 });
  const controller = new FakeNode(1, { gid: 0 });
  for (const each of [node, controller]) each.put(Buffer.of(0x02, 0, 9), shardRecord(4, 1, 8));
  const end = (nodes: readonly FakeNode[]) =>
    new SizeChecker().ended({
      nowMs: 0,
      nodes: nodes.map(({ view }) => view),
      config: configOf(4, [1]),
      history: [],
      finalValues: new Map(),
    });
  end([controller]);
  assertTrips("census", () => end([controller, node]));
});

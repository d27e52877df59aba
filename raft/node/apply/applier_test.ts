import { assert, assertEquals } from "@std/assert";
import { EntryPayload } from "../../../proto/gen/raft.ts";
import { createPrng, type Prng } from "../../../runtime/prng.ts";
import type { Write } from "../../../storage/engine.ts";
import { machineKey, machinePrefix } from "../../../storage/key_space.ts";
import { MemoryEngine } from "../../../storage/memory_engine.ts";
import type { LogIndex } from "../../types.ts";
import { firstRoster } from "../members/roster.ts";
import { Applier } from "./applier.ts";
import { ApplyLookout } from "./apply_lookout.ts";
import { LiveGeneration } from "./live_generation.ts";
import type { CommittedCommand, Lookahead, MachineView, StateMachine } from "./state_machine.ts";

const NAMES = Array.from({ length: 12 }, (_, i) => `key-${i}`);
const STEPS = 400;
const COMMAND = /^(key-\d+)([=+-])(.*)$/;
const roster = firstRoster(new Map([[1, "one:1"]]));

/** Payloads are `name=value`, `name+tail` and `name-`. Replies with what there was, as it knows it. */
class SizeMachine implements StateMachine {
  load(): Promise<void> {
    return Promise.resolve();
  }

  prefetch(commands: readonly CommittedCommand[], ahead: Lookahead): void {
    for (const { key, op } of commands.map(partsOf)) {
      if (op === "+") ahead.value(key);
      else ahead.length(key);
    }
  }

  apply(command: CommittedCommand, view: MachineView) {
    const { key, op, text } = partsOf(command);
    const record = view.record(key);
    const reply = view.lengthOf(record);
    const old = op === "+" ? view.get(record) ?? Buffer.alloc(0) : Buffer.alloc(0);
    if (op === "-") view.del(record);
    else view.put(record, Buffer.concat([old, Buffer.from(text)]));
    return reply;
  }

  flush(): Write[] {
    return [];
  }
}

function partsOf({ payload }: CommittedCommand): { key: Buffer; op: string; text: string } {
  const [, name = "", op = "", text = ""] = COMMAND.exec(String(payload)) ?? [];
  return { key: Buffer.from(name), op, text };
}

/** A replica without Raft, and a plain map of what it must hold. */
class Replica {
  readonly #prng: Prng;
  /** Every write takes a while, so that commands are applied behind it. */
  readonly engine = new MemoryEngine({
    delay: () => new Promise((resolve) => setTimeout(resolve, 0)),
  });
  readonly generation = new LiveGeneration(this.engine, 1);
  readonly model = new Map<string, string>();
  readonly machine = new SizeMachine();
  #index = 0;
  #wanted = 0;
  #isAwaited = false;
  #replies: unknown[] = [];
  #replied = Promise.withResolvers<void>();
  #applied: LogIndex = 0;
  #applier = this.#newApplier();

  /** @param prng Draws when somebody waits for the engine */
  constructor(prng: Prng) {
    this.#prng = prng;
  }

  /** Applies commands as one batch; returns what each was told of its key. */
  async apply(...commands: readonly string[]): Promise<unknown[]> {
    this.#replies = [];
    this.#wanted = commands.length;
    this.#isAwaited = this.#prng.below(3) === 0;
    this.#replied = Promise.withResolvers();
    this.#applier.enqueue(commands.map((command) => {
      const proposals = [Buffer.from(command)];
      const data = Buffer.from(EntryPayload.encode({ timeMs: 0, proposals }).finish());
      return { index: ++this.#index, term: 1, kind: "normal", data } as const;
    }));
    await this.#replied.promise;
    return this.#replies;
  }

  /** How many commands the engine lacks. */
  get behind(): number {
    return this.#index - this.#applied;
  }

  /** Waits until the engine has everything. */
  async flush(): Promise<void> {
    while (this.behind > 0) {
      this.#applier.flush();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  /** A snapshot with other contents takes the place of everything. */
  async install(contents: ReadonlyMap<string, string>): Promise<void> {
    await this.flush();
    await this.#applier.pause();
    const next = this.generation.number + 1;
    const writes = [...contents].map(([name, value]): Write => ({
      type: "put",
      key: machineKey(machinePrefix(next), Buffer.from(name)),
      value: Buffer.from(value),
    }));
    await this.engine.write(writes, { sync: true });
    await this.generation.switchTo(next, () => this.machine.load());
    this.#index += 100;
    this.#applied = this.#index;
    this.#applier.resume(this.#index, roster);
    this.model.clear();
    for (const [name, value] of contents) this.model.set(name, value);
  }

  async restart(): Promise<void> {
    await this.flush();
    await this.#applier.stop();
    this.#applier = this.#newApplier();
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#applier.stop();
    await this.engine.close();
  }

  #newApplier(): Applier {
    return new Applier({
      secret: "1",
      identity: { clusterId: "1", gid: 1, nodeId: 1 },
      engine: this.engine,
      machine: this.machine,
      generation: this.generation,
      roster,
      lookout: new ApplyLookout(this.#index),
      onMembers: () => {},
      isAwaited: () => this.#isAwaited,
      onReplies: (entries) => {
        this.#replies.push(...entries.flatMap(({ replies }) => replies));
        if (this.#replies.length === this.#wanted) this.#replied.resolve();
      },
      onApplied: (index) => this.#applied = index,
      onFatal: (error) => this.#replied.reject(error),
    });
  }
}

function drawCommand(prng: Prng): string {
  const op = ["=", "=", "+", "-"][prng.below(4)] as string;
  const text = op === "-" ? "" : "x".repeat(prng.below(9));
  return `${NAMES[prng.below(NAMES.length)]}${op}${text}`;
}

/** Plays a command on the model; returns how long the value was. */
function play(model: Map<string, string>, command: string): number | undefined {
  const [, name = "", op = "", text = ""] = COMMAND.exec(command) ?? [];
  const old = model.get(name);
  if (op === "-") model.delete(name);
  else model.set(name, op === "+" ? (old ?? "") + text : text);
  return old?.length;
}

Deno.test("Applier gives each command the right length of its value, remembered or read", async () => {
  const prng = createPrng(11);
  const replica = new Replica(createPrng(12));
  let ahead = 0;
  for (let step = 0; step < STEPS; step++) {
    const kind = prng.below(20);
    if (kind === 0) await replica.restart();
    if (kind === 1) {
      const some = NAMES.filter(() => prng.below(2) === 0);
      await replica.install(new Map(some.map((name) => [name, "y".repeat(prng.below(30))])));
    }
    const commands = Array.from({ length: 1 + prng.below(6) }, () => drawCommand(prng));
    const expected = commands.map((command) => play(replica.model, command));
    assertEquals(await replica.apply(...commands), expected, `step ${step}: ${commands}`);
    if (replica.behind > commands.length) ahead++;
  }
  assert(ahead > STEPS / 4, `Only ${ahead} batches were applied while the engine was behind`);
  await replica.close();
});

Deno.test("Applier forgets the lengths it remembers when a snapshot comes", async () => {
  const replica = new Replica(createPrng(1));
  assertEquals(await replica.apply("key-0=long value", "key-1=x"), [undefined, undefined]);
  assertEquals(await replica.apply("key-0=long value", "key-1=x"), [10, 1]);
  await replica.install(new Map([["key-1", "yyyy"]]));
  assertEquals(await replica.apply("key-0-", "key-1-"), [undefined, 4]);
  await replica.close();
});

/** An applier that nobody waits for. */
class Unawaited implements AsyncDisposable {
  readonly engine = new MemoryEngine();
  readonly replies: unknown[] = [];
  /** Indexes up to which the engine was told to be, one for each write. */
  readonly applied: LogIndex[] = [];
  readonly applier: Applier;
  /** Keys of each look into the engine. */
  readonly looks: number[] = [];
  #index = 0;

  constructor(nodeId = 1) {
    const getMany = this.engine.getMany.bind(this.engine);
    this.engine.getMany = (keys) => {
      this.looks.push(keys.length);
      return getMany(keys);
    };
    const generation = new LiveGeneration(this.engine, 1);
    this.applier = new Applier({
      ...{ secret: "1", identity: { clusterId: "1", gid: 1, nodeId }, engine: this.engine },
      ...{ generation, roster },
      machine: new SizeMachine(),
      lookout: new ApplyLookout(0),
      onMembers: () => {},
      isAwaited: () => false,
      onReplies: (entries) => this.replies.push(...entries.flatMap(({ replies }) => replies)),
      onApplied: (index) => this.applied.push(index),
      onFatal: (error) => {
        throw error;
      },
    });
  }

  /** Applies commands as one entry. */
  apply(...commands: readonly string[]): Promise<void> {
    return this.applyAll([commands]);
  }

  /** Applies entries as one batch. */
  async applyAll(entries: readonly (readonly string[])[]): Promise<void> {
    this.applier.enqueue(entries.map((commands) => {
      const proposals = commands.map((command) => Buffer.from(command));
      const data = EntryPayload.encode({ timeMs: 0, proposals }).finish();
      return { index: ++this.#index, term: 1, kind: "normal", data };
    }));
    await this.settled();
  }

  /** Everything here is done in microtasks. */
  settled(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 0));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.applier.stop();
    await this.engine.close();
  }
}

Deno.test("Applier puts off writes that nobody waits for, up to its bound, and later commands see them", async () => {
  await using replica = new Unawaited();
  await replica.apply("key-1=abc");
  await replica.apply("key-1+de");
  await replica.apply("key-1-");
  assertEquals([replica.replies, replica.applied], [[undefined, 3, 5], []]);
  replica.applier.flush();
  await replica.settled();
  assertEquals(replica.applied, [3]);
  for (let i = 0; i < 64; i++) await replica.apply("key-1=x");
  assertEquals(replica.applied, [3, 67]);
});

Deno.test("Applier.tick() writes what was applied before the last tick, and nothing newer", async () => {
  await using replica = new Unawaited();
  await replica.apply("key-1=a");
  replica.applier.tick();
  await replica.settled();
  assertEquals(replica.applied, []);
  replica.applier.tick();
  await replica.settled();
  assertEquals(replica.applied, [1]);
  await replica.apply("key-1=b");
  replica.applier.tick();
  await replica.settled();
  assertEquals(replica.applied, [1]);
});

Deno.test("Appliers of one group take turns when many records come at once", async () => {
  const turns: LogIndex[] = [];
  for (const nodeId of [1, 2, 3]) {
    await using replica = new Unawaited(nodeId);
    for (let i = 0; i < 16; i++) {
      await replica.apply(...Array.from({ length: 256 }, (_, k) => `key-${256 * i + k}=x`));
    }
    turns.push(replica.applied[0] ?? 0);
  }
  assertEquals(new Set(turns).size, 3, `${turns}`);
});

Deno.test("Applier reads no more values at a time than it may hold, and applies all the same", async () => {
  await using replica = new Unawaited();
  const entries = Array.from(
    { length: 8 },
    (_, i) => Array.from({ length: 60 }, (_, k) => `key-${60 * i + k}+x`),
  );
  await replica.applyAll([...entries, ["key-0+y"], ["key-0="]]);
  assertEquals(replica.looks, [120, 120, 120, 120]);
  assertEquals(replica.replies, [...Array(480).fill(undefined), 1, 2]);
});

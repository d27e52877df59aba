/** What a replica does of moves as it comes to lead and ceases to, with others who answer, or do not. */
import { assert, assertEquals } from "@std/assert";
import {
  type PullShardRequest,
  type PullShardResponse,
  ShardTransferServiceService,
} from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { MemoryNetwork, type MemoryServer } from "../../rpc/memory/memory_network.ts";
import { type CallContext, unary } from "../../rpc/service.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { type Logger, silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { type Config, type Gid, NO_IDENTITY } from "../../shardctrler/configuration/config.ts";
import {
  ALL_PULLS_MAX,
  DEFAULT_GROUP_LIMITS,
  PULLS_MAX,
  RELEASES_MAX,
  TRANSFER_TIMEOUT_MS,
} from "../limits.ts";
import { changeCursor } from "../machine/machine_keys.ts";
import { configChain, MachineHarness, nextConfig } from "../testing/machine_harness.ts";
import { FakeLog } from "../testing/service_harness.ts";
import { Arrivals } from "./arrivals.ts";
import { Migrator } from "./migrator.ts";

const RECORD = { key: Buffer.from("\x02k"), value: Buffer.from("v"), deleted: false };
const FIGURES = { keysTotal: 1, bytesTotal: 2, changes: 0 };

/** A source with one record and no changes. */
function quiet({ cursor }: PullShardRequest): Promise<PullShardResponse> {
  const isFirst = cursor.length === 0;
  return Promise.resolve({
    records: isFirst ? [RECORD] : [],
    cursor: isFirst ? RECORD.key : changeCursor(0),
    ended: !isFirst,
    done: false,
    ...FIGURES,
  });
}

/** A call that is never answered. */
function never<T>(): Promise<T> {
  return new Promise(() => {});
}

interface Call {
  readonly shard: number;
  readonly cursor: string;
  readonly address: string;
}

/** Group 200, as far as its shards are fetched. */
class Source {
  readonly pulls: Call[] = [];
  readonly drops: number[] = [];
  answer: (request: PullShardRequest) => Promise<PullShardResponse> = quiet;
  drop: () => Promise<Record<never, never>> = () => Promise.resolve({});
  readonly #open = new Set<AbortSignal>();

  serve(network: MemoryNetwork, address: string): MemoryServer {
    return network.serve(address, [
      unary(ShardTransferServiceService.pullShard, (request, { signal }: CallContext) => {
        const cursor = request.cursor.toString();
        this.pulls.push({ shard: request.shard, cursor, address });
        this.#open.add(signal);
        return this.answer(request).finally(() => this.#open.delete(signal));
      }),
      unary(ShardTransferServiceService.freezeShard, ({ cursor }) => {
        return Promise.resolve({ records: [], cursor, ended: true, done: true, ...FIGURES });
      }),
      unary(ShardTransferServiceService.dropShard, ({ shard }) => {
        this.drops.push(shard);
        return this.drop();
      }),
    ]);
  }

  /** Calls whose caller still waits. */
  get waiting(): number {
    return [...this.#open].filter(({ aborted }) => !aborted).length;
  }
}

/** The controllers; a watch stays open until it is ended. */
class Controllers {
  readonly configs: Config[] = [];
  readonly from: number[] = [];
  open = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async *watch({ from, latest, signal }: { from: number; latest?: boolean; signal: AbortSignal }) {
    if (!latest) this.from.push(from);
    this.open++;
    try {
      const news = this.configs.filter(({ num }) => num >= from);
      yield* latest ? news.slice(-1) : news;
      await new Promise<void>((resolve) => {
        if (signal.aborted) return resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    } finally {
      this.open--;
    }
  }

  /** Nobody answers. */
  async query(_num: number, call: { timeoutMs: number; signal: AbortSignal }): Promise<Config> {
    this.open++;
    await sleep(this.#clock, call.timeoutMs, call.signal).finally(() => this.open--);
    throw new KvError("DEADLINE_EXCEEDED", "Nobody answers");
  }
}

/**
 * A replica of group 100, which gains all shards in configuration 2: from group 200,
 * or each from the group given for it, of which only 200 is there.
 */
function replica(sources: number | readonly Gid[] = 1, logger: Logger = silentLogger) {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock });
  const group = new MachineHarness(100);
  const log = new FakeLog(group);
  const source = new Source();
  const servers = ["g200n0", "g200n1", "g200n2"].map((address) => source.serve(network, address));
  const controllers = new Controllers(clock);
  const before = typeof sources === "number" ? new Array<Gid>(sources).fill(200) : sources;
  controllers.configs.push(...configChain(before, before.map(() => 100)));
  const failures: unknown[] = [];
  const dialer = network.dialer();
  const boot = () => {
    const { machine } = group;
    const migrator = new Migrator({
      gid: 100,
      log,
      machine,
      dialer,
      controllers,
      clock,
      prng: createPrng(1),
      logger,
      limits: DEFAULT_GROUP_LIMITS,
      arrivals: new Arrivals(clock),
      onFatal: (error) => failures.push(error),
    });
    machine.onOwnership(() => migrator.wake());
    return migrator;
  };
  let migrator = boot();
  const reboot = async () => {
    await clock.resolve(migrator.stop(), 10_000);
    await group.restart();
    migrator = boot();
    migrator.start();
  };
  const settle = () => {
    const isServed = () => Object.values(group.statuses()).every((each) => each === "Serving");
    return clock.advanceUntil(() => group.machine.figures().length > 0 && isServed(), 60_000);
  };
  const end = async () => {
    await clock.resolve(migrator.stop(), 10_000);
    assertEquals([controllers.open, clock.pending, source.waiting], [0, 0, 0], "nothing is left");
    assertEquals(failures, []);
    await dialer.close();
    await group.close();
  };
  const parts = { clock, group, log, source, servers, controllers, failures };
  return { ...parts, migrator, reboot, settle, end };
}

Deno.test("Migrator follows the configurations and fetches shards while its replica leads, and not before", async () => {
  const { clock, group, log, source, controllers, migrator, settle, end } = replica();
  log.role = "follower";
  migrator.start();
  await clock.advance(60_000);
  assertEquals([controllers.from, source.pulls.length, clock.pending], [[], 0, 0]);
  log.become("leader");
  await settle();
  assertEquals([group.machine.ownership.config.num, source.drops], [2, [0]]);
  await end();
});

Deno.test("Migrator begins at once where its replica leads already", async () => {
  const { migrator, settle, end } = replica();
  migrator.start();
  await settle();
  await end();
});

Deno.test("Migrator does everything once, however often it is told that its replica leads", async () => {
  const { clock, log, source, controllers, migrator, settle, end } = replica();
  migrator.start();
  for (let i = 0; i < 3; i++) {
    log.become("leader");
    await clock.advance(0);
  }
  await settle();
  assertEquals([controllers.open, controllers.from], [1, [1]]);
  assertEquals(source.pulls.map(({ cursor }) => cursor.slice(0, 2)), ["", "\x02k", "\x03\0"]);
  await end();
});

Deno.test("Migrator lets go of a move in the middle when its replica leads no more, and goes on where the copy ends", async () => {
  const { clock, group, log, source, controllers, migrator, settle, end } = replica();
  source.answer = (request) => request.cursor.length === 0 ? quiet(request) : never();
  migrator.start();
  await clock.advanceUntil(() => source.pulls.length === 2, 1_000, 1);
  await clock.advanceUntil(() => group.machine.cursorOf(0)?.length === 2, 1_000, 1);
  assertEquals([source.waiting, controllers.open], [1, 1]);
  assertEquals(migrator.moves().map(({ phase }) => phase), ["Copying"]);

  log.become("candidate");
  await clock.advance(0);
  assertEquals([source.waiting, controllers.open, clock.pending], [0, 0, 0]);
  assertEquals(migrator.moves(), []);
  // What a new leader has applied here is none of this replica's business.
  migrator.wake();
  await clock.advance(60_000);
  assertEquals(source.pulls.length, 2);

  source.answer = quiet;
  log.become("leader");
  await settle();
  assertEquals(source.pulls[2]?.cursor, "\x02k");
  assertEquals(group.machine.figures().map(({ keys }) => keys), [1]);
  await end();
});

Deno.test("Migrator gives up what pauses between two tries when its replica leads no more", async () => {
  const { clock, log, source, servers, controllers, migrator, end } = replica();
  for (const server of servers) server.close();
  migrator.start();
  // Where the source is by now is being asked as well, and pauses are between its servers.
  for (const ms of [1, 1_000]) {
    await clock.advance(ms);
    assertEquals([source.pulls.length, clock.pending > 0 || controllers.open > 1], [0, true]);
    log.become("follower");
    await clock.advance(0);
    assertEquals([clock.pending, controllers.open], [0, 0]);
    log.become("leader");
  }
  await end();
});

Deno.test("Migrator ends a pause behind a refused chunk and one for a busy log with the leadership", async () => {
  for (const busy of [false, true]) {
    const { clock, log, source, migrator, end } = replica();
    const propose = log.propose.bind(log);
    log.propose = (payload) => {
      const isBusy = busy && source.pulls.length > 0;
      return isBusy ? Promise.reject(new KvError("OVERLOADED", "Busy")) : propose(payload);
    };
    // No record of any kind.
    const nonsense = { ...RECORD, key: Buffer.from("\x09") };
    source.answer = async (request) => ({ ...await quiet(request), records: [nonsense] });
    migrator.start();
    await clock.advance(2_250);
    if (!busy) assertEquals(source.pulls.filter(({ cursor }) => cursor === "").length, 5);
    assert(clock.pending > 0);
    log.become("follower");
    await clock.advance(0);
    assertEquals(clock.pending, 0);
    await end();
  }
});

Deno.test("Migrator lets go of the next chunk, too, when its replica leads no more while one is in the log", async () => {
  const { clock, log, source, migrator, end } = replica();
  const { promise, resolve } = Promise.withResolvers<void>();
  source.answer = (request) => {
    if (request.cursor.length > 0) return never();
    log.gate = promise;
    return quiet(request);
  };
  migrator.start();
  await clock.advanceUntil(() => source.pulls.length === 2, 1_000, 1);
  log.become("follower");
  await clock.advance(0);
  assertEquals([source.waiting, clock.pending], [0, 0]);
  resolve();
  await end();
});

Deno.test("Migrator.stop() ends the wait for a shard that another group has still to fetch", async () => {
  const { clock, group, controllers, migrator, end } = replica();
  controllers.configs.splice(0, 2, ...configChain([100], [200], [100]));
  migrator.start();
  await clock.advance(1_000);
  assertEquals(group.statuses(), { 0: "Leaving" });
  await end();
});

Deno.test("Migrator has its group begin before the first configuration, however often its log refuses", async () => {
  const { clock, group, log, migrator, settle, end } = replica();
  const propose = log.propose.bind(log);
  let refusals = 3;
  log.propose = (payload) =>
    refusals-- > 0 ? Promise.reject(new KvError("OVERLOADED", "Busy")) : propose(payload);
  migrator.start();
  await settle();
  assert(group.machine.ownership.identity !== NO_IDENTITY);
  assert(clock.now() >= 1_500, `It began after ${clock.now()} ms`);
  await end();
});

Deno.test("Migrator.stop() ends a fetch that is under way, and what it waits for", async () => {
  const { clock, source, migrator, end } = replica(2);
  source.answer = never;
  migrator.start();
  await clock.advanceUntil(() => source.pulls.length === 2, 1_000, 1);
  await end();
  await clock.advance(60_000);
  assertEquals(source.pulls.length, 2);
});

Deno.test("Migrator.stop() is for good: a replica that comes to lead behind it begins nothing", async () => {
  const { clock, log, source, controllers, migrator, end } = replica();
  log.role = "follower";
  migrator.start();
  await migrator.stop();
  log.become("leader");
  await clock.advance(10_000);
  assertEquals([controllers.from, source.pulls.length], [[], 0]);
  await end();
});

Deno.test("Migrator.stop() waits for what is in the log, of earlier leaderships too", async () => {
  const { clock, group, log, migrator, end } = replica();
  const { promise, resolve } = Promise.withResolvers<void>();
  migrator.start();
  log.gate = promise;
  log.become("follower");
  log.become("leader");
  log.become("follower");
  let hasStopped = false;
  const stopped = migrator.stop().then(() => hasStopped = true);
  await clock.advance(10_000);
  assertEquals(hasStopped, false);
  resolve();
  await clock.resolve(stopped, 1_000);
  // What was ended meanwhile goes no further.
  assertEquals(group.machine.ownership.config.num, 0);
  await end();
});

Deno.test("Migrator goes on where the copy ends when its node was restarted in the middle of a fetch", async () => {
  const { clock, group, source, migrator, reboot, settle, end } = replica();
  source.answer = (request) => request.cursor.length === 0 ? quiet(request) : never();
  migrator.start();
  await clock.advanceUntil(() => group.machine.cursorOf(0)?.length === 2, 1_000, 1);
  source.answer = quiet;
  await reboot();
  await settle();
  assertEquals(source.pulls.map(({ cursor }) => cursor).slice(0, 3), ["", "\x02k", "\x02k"]);
  assertEquals(group.machine.figures().map(({ keys }) => keys), [1]);
  await end();
});

Deno.test("Migrator has a shard forgotten, and does not fetch it again, when its node was restarted before that", async () => {
  const { clock, group, source, migrator, reboot, settle, end } = replica();
  source.drop = never;
  migrator.start();
  await clock.advanceUntil(() => source.drops.length === 1, 1_000, 1);
  const pulls = source.pulls.length;
  source.drop = () => Promise.resolve({});
  await reboot();
  assertEquals(group.statuses(), { 0: "GCing" });
  await settle();
  assertEquals([source.pulls.length, source.drops], [pulls, [0, 0]]);
  await end();
});

Deno.test("Migrator asks the next replica of a source that never answers, and says so now and then", async () => {
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) };
  const { clock, source, migrator, settle, end } = replica(1, logger);
  source.answer = never;
  migrator.start();
  await clock.advanceUntil(() => source.pulls.length === 3, 10_000);
  const asked = source.pulls.map(({ address }) => address);
  assertEquals(asked, ["g200n0", "g200n1", "g200n2"]);
  assert(clock.now() < 3 * TRANSFER_TIMEOUT_MS, `It took ${clock.now()} ms`);
  let mostPending = 0;
  for (let i = 0; i < 60; i++) {
    await clock.advance(1_000);
    assertEquals(source.waiting <= 1, true, "one call at a time");
    mostPending = Math.max(mostPending, clock.pending);
  }
  assert(mostPending < 10, `${mostPending} timers`);
  assertEquals(warnings, ["No replica of the other group answers"]);
  assertEquals(migrator.moves().map(({ phase }) => phase), ["Waiting"]);
  source.answer = quiet;
  await settle();
  await end();
});

Deno.test("Migrator fetches so many shards at once, each other one as soon as there is room", async () => {
  const shards = PULLS_MAX + 2;
  const { clock, group, source, migrator, settle, end } = replica(shards);
  const open = Promise.withResolvers<void>();
  source.answer = (request) =>
    request.shard === 0 ? quiet(request) : open.promise.then(() => quiet(request));
  migrator.start();
  // The first is here and has made room, once.
  await clock.advanceUntil(() => group.statuses()[0] === "Serving", 1_000, 1);
  await clock.advance(100);
  const asked = () => [...new Set(source.pulls.map(({ shard }) => shard))];
  assertEquals(asked(), Array.from({ length: PULLS_MAX + 1 }, (_, shard) => shard));
  open.resolve();
  await settle();
  assertEquals(asked().length, shards);
  await end();
});

Deno.test("Migrator fetches shards of one group while many others do not answer, within a bound", async () => {
  const gone = ALL_PULLS_MAX / PULLS_MAX;
  for (const [groups, expected] of [[gone - 1, "Serving"], [gone, "Pulling"]] as const) {
    const waiting = Array.from({ length: groups * 6 }, (_, shard) => 300 + shard % groups);
    const { clock, group, migrator, end } = replica([...waiting, 200]);
    migrator.start();
    await clock.advance(10_000);
    assertEquals(group.statuses()[waiting.length], expected);
    await end();
  }
});

Deno.test("Migrator has so many shards forgotten at once, while others are fetched", async () => {
  const shards = RELEASES_MAX + 2;
  const { clock, group, source, migrator, settle, end } = replica(shards);
  const open = Promise.withResolvers<void>();
  source.drop = () => open.promise.then(() => ({}));
  migrator.start();
  const arrived = () => Object.values(group.statuses()).filter((each) => each === "GCing").length;
  await clock.advanceUntil(() => arrived() === shards, 1_000, 1);
  await clock.advance(100);
  assertEquals(source.drops.length, RELEASES_MAX);
  open.resolve();
  await settle();
  assertEquals(new Set(source.drops).size, shards);
  await end();
});

Deno.test("Migrator plans nothing before its log is applied, however often that fails", async () => {
  const { clock, log, source, controllers, migrator, settle, end } = replica();
  log.readError = new KvError("UNAVAILABLE", "No majority");
  migrator.start();
  await clock.advance(5_000);
  assertEquals([source.pulls.length, controllers.from], [0, []]);
  log.become("follower");
  await clock.advance(0);
  assertEquals(clock.pending, 0);
  log.become("leader");
  await clock.advance(5_000);
  log.readError = undefined;
  await settle();
  await end();
});

Deno.test("Migrator asks for a configuration again that its controllers have left out", async () => {
  const { clock, group, controllers, migrator, settle, end } = replica();
  const [one, two] = controllers.configs;
  assert(one !== undefined && two !== undefined);
  const three = nextConfig(two, [100]);
  controllers.configs.splice(0, 3, one, three);
  migrator.start();
  await clock.advance(2_000);
  assertEquals(group.machine.ownership.config.num, 1);
  controllers.configs.splice(0, 3, one, two, three);
  await settle();
  await clock.advance(1_000);
  assertEquals(group.machine.ownership.config.num, 3);
  assertEquals(new Set(controllers.from), new Set([1, 2]));
  await end();
});

Deno.test("Migrator takes what it cannot explain for fatal, unless its replica leads no more", async () => {
  const { clock, log, failures, migrator, end } = replica();
  const bug = new TypeError("A bug");
  const failing = Promise.withResolvers<never>();
  log.propose = () => failing.promise;
  migrator.start();
  await clock.advance(0);
  log.become("follower");
  failing.reject(bug);
  await clock.advance(0);
  assertEquals(failures, []);
  log.propose = () => Promise.reject(bug);
  log.become("leader");
  await clock.advance(0);
  assertEquals(failures.splice(0), [bug]);
  await end();
});

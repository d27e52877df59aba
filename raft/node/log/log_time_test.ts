import { assert, assertEquals } from "@std/assert";
import { MemoryNetwork } from "../../../rpc/memory/memory_network.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createPrng } from "../../../runtime/prng.ts";
import { VirtualClock } from "../../../runtime/virtual_clock.ts";
import { MemoryEngine } from "../../../storage/memory_engine.ts";
import type { CommittedCommand, MachineReader, StateMachine } from "../apply/state_machine.ts";
import { RaftNode } from "../raft_node.ts";
import { LogTime } from "./log_time.ts";

const HOUR_MS = 3_600_000;

/** Remembers the latest time in the log, as the machines of controllers and groups do. */
class TimeMachine implements StateMachine {
  timeMs = 0;

  async load(reader: MachineReader): Promise<void> {
    this.timeMs = Number(String(await reader.get(Buffer.from("time")) ?? "0"));
  }

  prefetch(): void {}

  apply({ timeMs }: CommittedCommand): number {
    this.timeMs = Math.max(this.timeMs, timeMs);
    return timeMs;
  }

  flush() {
    const value = Buffer.from(String(this.timeMs));
    return [{ type: "put" as const, key: Buffer.from("time"), value }];
  }
}

async function open(engine: MemoryEngine, virtual: VirtualClock, wallOffset: { ms: number }) {
  const clock: Clock = {
    now: () => virtual.now(),
    wallTime: () => virtual.wallTime() + wallOffset.ms,
    setTimer: (callback, delayMs) => virtual.setTimer(callback, delayMs),
    afterTurn: (callback) => virtual.afterTurn(callback),
  };
  const node = await RaftNode.open({
    identity: { clusterId: "7", gid: 1, nodeId: 1 },
    members: new Map([[1, "node1:1"]]),
    engine,
    machine: new TimeMachine(),
    dialer: new MemoryNetwork({ clock }).dialer(),
    clock,
    prng: createPrng(1),
    logger: silentLogger,
    onFatal: (error) => {
      throw error;
    },
  });
  await virtual.advanceUntil(() => node.status().role === "leader", 10_000);
  return {
    stop: () => virtual.resolve(node.stop(), 1_000),
    propose: async () => Number(await virtual.resolve(node.propose(Buffer.from("x")), 1_000)),
  };
}

Deno.test("Time in the log does not jump with the leader's wall clock", async () => {
  const engine = new MemoryEngine();
  const clock = new VirtualClock();
  const wallOffset = { ms: 0 };
  const node = await open(engine, clock, wallOffset);
  const before = await node.propose();
  wallOffset.ms = 3 * HOUR_MS;
  await clock.advance(100);
  const ahead = await node.propose();
  wallOffset.ms = -3 * HOUR_MS;
  await clock.advance(100);
  const behind = await node.propose();
  assert(ahead - before >= 100 && ahead - before < 200, `It went from ${before} to ${ahead}`);
  assert(behind - ahead >= 100 && behind - ahead < 200, `It went from ${ahead} to ${behind}`);
  await node.stop();
  await engine.close();
});

Deno.test("Time in the log goes on after a restart from where the machine has it", async () => {
  const engine = new MemoryEngine();
  const clock = new VirtualClock();
  const first = await open(engine, clock, { ms: 0 });
  await clock.advance(HOUR_MS);
  const before = await first.propose();
  assert(before >= HOUR_MS);
  await first.stop();
  await engine.close();
  const reopened = engine.reopen();
  const second = await open(reopened, clock, { ms: 2 * HOUR_MS });
  const after = await second.propose();
  assert(after >= before && after < before + 60_000, `It went from ${before} to ${after}`);
  await second.stop();
  await reopened.close();
});

Deno.test("LogTime follows a log that is ahead of it and never goes back", async () => {
  const clock = new VirtualClock();
  const time = new LogTime(clock);
  assertEquals(time.now(), 0);
  time.observe(500);
  await clock.advance(20);
  assertEquals(time.now(), 520);
  time.observe(510);
  assertEquals(time.now(), 520);
});

Deno.test("LogTime of a new leader goes on from the log, whatever it has counted before", async () => {
  const clock = new VirtualClock();
  const time = new LogTime(clock);
  time.observe(500);
  await clock.advance(HOUR_MS);
  time.lead(600);
  assertEquals(time.now(), 600);
  await clock.advance(20);
  assertEquals(time.now(), 620);
});

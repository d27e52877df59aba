/** Commands that ask something of one node. */
import type { CommandLine } from "./command_line.ts";
import type { Commands, Environment } from "./environment.ts";

function campaign(environment: Environment, line: CommandLine): void {
  environment.node(line.number("node")).raw.campaign();
}

/** `propose 1 text... [size=100]`: an entry for each text, or one of that many bytes. */
function propose(environment: Environment, line: CommandLine): void {
  const { raw } = environment.node(line.number("node"));
  const size = line.numberOption("size");
  if (size !== undefined) raw.propose(new Uint8Array(size));
  for (const text of line.words()) raw.propose(new TextEncoder().encode(text));
}

/** `tick 1 2 3 [times=10]`: time passes at these nodes, at all if none is named. */
function tick(environment: Environment, line: CommandLine): void {
  const times = line.numberOption("times") ?? 1;
  for (const { raw } of environment.nodesOf(line.numbers())) {
    for (let i = 0; i < times; i++) raw.tick();
  }
}

/** `transfer-leadership 1 to=2` */
function transferLeadership(environment: Environment, line: CommandLine): void {
  const { raw } = environment.node(line.number("node"));
  const begun = raw.transferLeader(line.numberOption("to") ?? 0);
  environment.print(begun ? "begun" : "refused");
}

/** `read-index 1 context=7` */
function readIndex(environment: Environment, line: CommandLine): void {
  environment.node(line.number("node")).raw.readIndex(line.numberOption("context") ?? 1);
}

/** `clock 1 2 ms=500`: what the drivers' clocks say, for leases. */
function clock(environment: Environment, line: CommandLine): void {
  const nowMs = line.numberOption("ms") ?? 0;
  for (const { raw } of environment.nodesOf(line.numbers())) raw.observeClock(nowMs);
}

/** `send-held 1`: what a thrifty leader holds back may leave. */
function sendHeld(environment: Environment, line: CommandLine): void {
  environment.node(line.number("node")).raw.sendHeld();
}

/** `report-unreachable 1 peer=2` */
function reportUnreachable(environment: Environment, line: CommandLine): void {
  const { raw } = environment.node(line.number("node"));
  raw.reportUnreachable(line.numberOption("peer") ?? 0);
}

/** `report-snapshot 1 peer=2 [failed]`: the transfer of a state has ended. */
function reportSnapshot(environment: Environment, line: CommandLine): void {
  const { raw } = environment.node(line.number("node"));
  raw.reportSnapshot(line.numberOption("peer") ?? 0, !line.flag("failed"));
}

/** `compact 1 index=10`: drops applied entries up to there. */
function compact(environment: Environment, line: CommandLine): void {
  environment.node(line.number("node")).compact(line.numberOption("index") ?? 0);
}

export const nodeCommands: Commands = {
  campaign,
  propose,
  tick,
  "transfer-leadership": transferLeadership,
  "read-index": readIndex,
  clock,
  "send-held": sendHeld,
  "report-unreachable": reportUnreachable,
  "report-snapshot": reportSnapshot,
  compact,
};

/**
 * One contender of `deno task bench:turns`, in a process and of a checkout of its
 * own: starts its system, loads it, says that it is ready, and then takes turns
 * as it is told to, until its input ends. Everything it says is one line of JSON.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { BareSystem } from "../bare/bare_system.ts";
import { EtcdSystem } from "../etcd_system.ts";
import type { Point, Sample } from "../measurement.ts";
import { OurSystem } from "../our_system.ts";
import type { SystemOptions, SystemUnderTest } from "../system.ts";
import { drive, measure } from "../load_and_measure.ts";
import type { SystemName } from "./options.ts";

/** What a driver is started for; its only argument, as JSON. */
export interface DriverOptions extends SystemOptions {
  readonly system: SystemName;
}

/** What it is told. */
export interface Turn {
  readonly point: Point;
  readonly durationMs: number;
}

/** What it says: first its system's title, then a sample of each turn. */
export type Report = { readonly title: string } | { readonly sample: Sample };

const encoder = new TextEncoder();

function say(report: Report): void {
  Deno.stdout.writeSync(encoder.encode(`${JSON.stringify(report)}\n`));
}

function start({ system, ...options }: DriverOptions): Promise<SystemUnderTest> {
  switch (system) {
    case "ours":
      return OurSystem.start(options);
    case "bare":
      return BareSystem.start(options);
    case "etcd":
      return EtcdSystem.start(options);
  }
}

async function main([options = ""]: readonly string[]): Promise<void> {
  await using system = await start(JSON.parse(options) as DriverOptions);
  await system.load();
  say({ title: system.title });
  for await (const line of createInterface({ input: process.stdin })) {
    const { point, durationMs } = JSON.parse(line) as Turn;
    say({ sample: await measure(system, () => drive(system, point, durationMs)) });
  }
}

if (import.meta.main) await main(Deno.args);

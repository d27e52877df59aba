import { assert, assertEquals, assertRejects } from "@std/assert";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import type { ClusterState } from "../api.ts";
import { buildState } from "../state/cluster_state.ts";
import { configOf, group, observation, shard } from "../state/state_testing.ts";
import {
  CLIENT_MS_MIN,
  EventHub,
  type EventHubOptions,
  HEARTBEAT_MS,
  QUIET_MS_MAX,
} from "./event_hub.ts";

const PEER = "10.0.0.1";

function stateWith(keys: number, shards = 1): ClusterState {
  const numbers = Array.from({ length: shards }, (_, i) => i);
  const nodes = group(1, numbers.map((number) => shard(number, "Serving", keys)));
  return buildState(observation({ config: configOf(1, numbers.map(() => 1)), nodes }), undefined);
}

function hub(options: Partial<EventHubOptions> = {}) {
  const clock = new VirtualClock();
  return { clock, hub: new EventHub({ clock, epoch: "77", ...options }) };
}

interface Event {
  readonly id: string;
  readonly event: string;
  readonly data: {
    readonly updatedAt?: number;
    readonly shards?: readonly { readonly keys: number }[];
  };
}

/** Reads events off a stream as a browser does. */
class Client {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = "";

  constructor(stream: ReadableStream<Uint8Array> | undefined) {
    assert(stream !== undefined, "There is room for a client");
    this.#reader = stream.getReader();
  }

  /** The next block, up to its empty line. */
  async block(): Promise<string> {
    while (!this.#text.includes("\n\n")) {
      const { value, done } = await this.#reader.read();
      assert(!done, "The stream goes on");
      this.#text += new TextDecoder().decode(value);
    }
    const end = this.#text.indexOf("\n\n");
    const block = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 2);
    return block;
  }

  async event(): Promise<Event> {
    const lines = (await this.block()).split("\n").map((line) => line.split(": "));
    const fields = Object.fromEntries(lines.map(([name, ...rest]) => [name, rest.join(": ")]));
    return { id: fields["id"], event: fields["event"], data: JSON.parse(fields["data"]) };
  }

  read() {
    return this.#reader.read();
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }
}

Deno.test("EventHub gives each client a snapshot, and then what changes", async () => {
  const { hub: it } = hub();
  it.publish(stateWith(1));
  const client = new Client(it.open(null, PEER));
  assertEquals(await client.block(), "retry: 2000");
  const snapshot = await client.event();
  assertEquals([snapshot.id, snapshot.event, snapshot.data.shards?.[0]?.keys], [
    "77-0",
    "snapshot",
    1,
  ]);
  it.publish(stateWith(1));
  it.publish(stateWith(2));
  const delta = await client.event();
  assertEquals([delta.id, delta.event, delta.data.shards?.[0]?.keys], ["77-1", "delta", 2]);
  const late = new Client(it.open(null, PEER));
  await late.block();
  assertEquals((await late.event()).id, "77-1");
  await Promise.all([client.leave(), late.leave()]);
  assertEquals(it.clients, 0);
  it.close();
});

Deno.test("EventHub tells now and then that nothing has changed", async () => {
  const { hub: it } = hub();
  const state = stateWith(1);
  const { updatedAt } = state;
  const later = (ms: number) => ({ ...state, updatedAt: updatedAt + ms });
  it.publish(state);
  const client = new Client(it.open(null, PEER));
  await client.block();
  await client.event();
  for (const ms of [1_000, QUIET_MS_MAX - 1, QUIET_MS_MAX, QUIET_MS_MAX + 1_000]) {
    it.publish(later(ms));
  }
  it.publish(later(2 * QUIET_MS_MAX));
  assertEquals((await client.event()).data, { updatedAt: updatedAt + QUIET_MS_MAX });
  assertEquals((await client.event()).data, { updatedAt: updatedAt + 2 * QUIET_MS_MAX });
  await client.leave();
  it.close();
});

Deno.test("EventHub lets a client wait for the first state", async () => {
  const { hub: it } = hub();
  const client = new Client(it.open("77-5", PEER));
  await client.block();
  it.publish(stateWith(1));
  assertEquals((await client.event()).event, "snapshot");
  await client.leave();
  it.close();
});

Deno.test("A client that comes back gets what it has missed, or a snapshot if that is too much", async () => {
  const { hub: it } = hub({ changesMax: 3 });
  for (let keys = 0; keys <= 5; keys++) it.publish(stateWith(keys));
  const eventsSince = async (id: string, count: number) => {
    const client = new Client(it.open(id, PEER));
    await client.block();
    const events: string[] = [];
    while (events.length < count) {
      const { id, event } = await client.event();
      events.push(`${event} ${id}`);
    }
    await client.leave();
    return events;
  };
  assertEquals(await eventsSince("77-2", 3), ["delta 77-3", "delta 77-4", "delta 77-5"]);
  assertEquals(await eventsSince("77-4", 1), ["delta 77-5"]);
  assertEquals(await eventsSince("77-1", 1), ["snapshot 77-5"]);
  // Of another process, of the future, and nonsense.
  for (const id of ["76-4", "77-6", "77-", "x", "77-4 "]) {
    assertEquals(await eventsSince(id, 1), ["snapshot 77-5"], id);
  }
  // Nothing was missed: the next event is the next change.
  const client = new Client(it.open("77-5", PEER));
  await client.block();
  it.publish(stateWith(6));
  assertEquals((await client.event()).id, "77-6");
  await client.leave();
  it.close();
});

Deno.test("An address that has taken all places makes room for others, with its oldest client", async () => {
  const { hub: it } = hub({ clientsMax: 3 });
  it.publish(stateWith(1));
  const [oldest, ...rest] = [1, 2, 3].map(() => new Client(it.open(null, PEER)));
  const other = new Client(it.open(null, "10.0.0.2"));
  assertEquals(it.clients, 3);
  await other.block();
  assertEquals((await other.event()).event, "snapshot");
  while (!(await oldest?.read())?.done);
  // It comes back, and does not take the other's place.
  assertEquals(it.open("77-0", PEER), undefined);
  it.publish(stateWith(2));
  for (const client of rest) {
    await client.block();
    await client.event();
    assertEquals((await client.event()).event, "delta");
  }
  assertEquals((await other.event()).event, "delta");
  it.close();
});

Deno.test("Clients with the same claim make room for each other only after a while", async () => {
  for (const peers of [["a", "a", "a"], ["a", "b", "c"]]) {
    const { hub: it, clock } = hub({ clientsMax: 2 });
    const [first, second, third] = peers as [string, string, string];
    const oldest = new Client(it.open(null, first));
    await clock.advance(1);
    const younger = new Client(it.open(null, second));
    await clock.advance(CLIENT_MS_MIN - 2);
    assertEquals(it.open(null, third), undefined);
    await clock.advance(1);
    const newcomer = new Client(it.open(null, third));
    while (!(await oldest.read()).done);
    assertEquals(it.open(null, third), undefined);
    await Promise.all([younger.leave(), newcomer.leave()]);
    assertEquals(it.clients, 0);
    it.close();
  }
});

Deno.test("EventHub shows that it lives, takes so many clients only, and ends them all", async () => {
  const { hub: it, clock } = hub({ clientsMax: 2 });
  const [one, two] = [new Client(it.open(null, PEER)), new Client(it.open(null, PEER))];
  assertEquals(it.open(null, PEER), undefined);
  await one.block();
  await clock.advance(HEARTBEAT_MS);
  assertEquals(await one.block(), ": alive");
  await clock.advance(HEARTBEAT_MS);
  assertEquals(await one.block(), ": alive");
  await one.leave();
  const three = new Client(it.open(null, PEER));
  it.close();
  for (const client of [two, three]) {
    while (!(await client.read()).done);
  }
  assertEquals(it.open(null, PEER), undefined);
  assertEquals(clock.pending, 0);
});

Deno.test("A client that reads too slowly is dropped with what waits for it; others go on", async () => {
  const snapshotBytes = JSON.stringify(stateWith(0, 50)).length;
  const { hub: it } = hub({ queueBytesMax: 3 * snapshotBytes });
  it.publish(stateWith(0, 50));
  const slow = new Client(it.open(null, PEER));
  const fast = new Client(it.open(null, PEER));
  await fast.block();
  await fast.event();
  for (let keys = 1; it.clients === 2; keys++) {
    assert(keys < 100, "the slow client is dropped");
    it.publish(stateWith(keys, 50));
    assertEquals((await fast.event()).data.shards?.[0]?.keys, keys);
  }
  await assertRejects(() => slow.read(), Error, "it reads too slowly");
  const back = new Client(it.open("77-0", PEER));
  await back.block();
  assertEquals((await back.event()).event, "delta");
  await Promise.all([fast.leave(), back.leave()]);
  it.close();
});

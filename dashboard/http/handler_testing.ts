/** A handler over a cluster of a few words, for tests without sockets. */
import type { ScanEntry } from "../../client/kv_clerk.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Dialer } from "../../rpc/service.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { applyChange } from "../../shardctrler/configuration/apply_change.ts";
import type { ConfigChange } from "../../shardctrler/configuration/change.ts";
import type { Config } from "../../shardctrler/configuration/config.ts";
import { buildState } from "../state/cluster_state.ts";
import type { Observation } from "../state/observation.ts";
import { configOf, down, group, observation, shard } from "../state/state_testing.ts";
import { ActionDesk } from "./actions.ts";
import { AdminGuard } from "./admin_guard.ts";
import { AssetShelf } from "./asset_shelf.ts";
import { EventHub } from "./event_hub.ts";
import { createHandler, type Handler, type HandlerOptions } from "./handler.ts";
import { KeyBrowser } from "./keys.ts";

export const TOKEN = "a-long-admin-token";
/** `page` in base64, compressed. */
const PAGE_GZIP = "H4sIAAAAAAACAytITE8FACC2ChQEAAAA";

const noDialer: Dialer = {
  channel() {
    throw new KvError("UNAVAILABLE", "Nobody is there");
  },
  forget() {},
  close: () => Promise.resolve(),
};

export interface TestHandlerOptions {
  readonly token?: string;
  readonly isLocal?: boolean;
  /** What was seen of the cluster; undefined: nothing yet. */
  readonly seen?: Partial<Observation> | undefined;
  /** Keys and values of the store. */
  readonly pairs?: ReadonlyMap<string, Uint8Array>;
}

/** Two groups, one of whose servers is down, and four shards. */
export const usual: Partial<Observation> = {
  config: configOf(4, [1, 1, 2, 2]),
  nodes: [
    ...group(0),
    ...group(1, [shard(0), shard(1)], 4).slice(0, 2),
    down(1, 2),
    ...group(2, [shard(2), shard(3)], 4),
  ],
};

export class TestHandler {
  readonly clock = new VirtualClock();
  readonly hub = new EventHub({ clock: this.clock, epoch: "77" });
  readonly changes: ConfigChange[] = [];
  readonly errors: unknown[] = [];
  wakes = 0;
  #config: Config | undefined;
  /** For tests with a socket after all. */
  readonly answer: Handler;

  constructor(options: TestHandlerOptions = {}) {
    const { token, isLocal = true, pairs = new Map() } = options;
    const seen = "seen" in options ? options.seen : usual;
    this.#config = seen?.config;
    const state = seen && buildState(observation(seen), undefined);
    if (state !== undefined) this.hub.publish(state);
    const cluster: HandlerOptions["cluster"] = {
      state,
      config: this.#config,
      history: { times: [], series: [] },
    };
    const shared = {
      clock: this.clock,
      dialer: noDialer,
      prng: createPrng(1),
      logger: silentLogger,
    };
    this.answer = createHandler({
      cluster,
      hub: this.hub,
      keys: new KeyBrowser({ clerk: fakeStore(pairs), config: () => cluster.config }),
      desk: new ActionDesk({
        ...shared,
        clerk: this.#fakeControllers(),
        controllers: ["localhost:50051", "localhost:50052", "localhost:50053"],
        state: () => cluster.state,
        onChanged: () => this.wakes++,
      }),
      guard: new AdminGuard({ token, clock: this.clock }),
      assets: new AssetShelf({
        "/": { type: "text/html; charset=utf-8", etag: "e1", gzip: PAGE_GZIP },
      }),
      isLocal,
      onError: (error) => this.errors.push(error),
    });
  }

  ask(path: string, init: RequestInit = {}, peer = "127.0.0.1"): Promise<Response> {
    return this.answer(new Request(`http://localhost:8080${path}`, init), peer);
  }

  /** The status and the JSON of an answer. */
  async json(path: string, init: RequestInit = {}, peer?: string) {
    const response = await this.ask(path, init, peer);
    return { status: response.status, body: await response.json() };
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}, peer?: string) {
    const all = {
      "content-type": "application/json",
      "authorization": `Bearer ${TOKEN}`,
      ...headers,
    };
    return this.json(path, { method: "POST", headers: all, body: JSON.stringify(body) }, peer);
  }

  [Symbol.dispose](): void {
    this.hub.close();
  }

  #fakeControllers() {
    const change = (change: ConfigChange) => {
      const outcome = applyChange(this.#knownConfig(), change);
      if (outcome.kind === "refused") {
        throw new KvError(outcome.refusal.code, outcome.refusal.message);
      }
      this.changes.push(change);
      this.#config = outcome.config;
      return Promise.resolve(outcome.config);
    };
    return {
      query: () => Promise.resolve(this.#knownConfig()),
      join: (groups: ReadonlyMap<number, readonly string[]>) => change({ kind: "join", groups }),
      leave: (gids: readonly number[]) => change({ kind: "leave", gids, force: false }),
      move: (shard: number, gid: number) => change({ kind: "move", shard, gid }),
    };
  }

  #knownConfig(): Config {
    if (this.#config !== undefined) return this.#config;
    throw new KvError("UNAVAILABLE", "No controller answers");
  }
}

function fakeStore(pairs: ReadonlyMap<string, Uint8Array>) {
  const sorted = [...pairs].map(([key, value]) => ({ key: Buffer.from(key, "latin1"), value }))
    .sort((a, b) => Buffer.compare(a.key, b.key));
  return {
    get(key: Uint8Array | string) {
      if (key.length === 0) throw new RangeError("Cannot use a key of 0 bytes");
      const found = sorted.find((pair) => Buffer.compare(pair.key, Buffer.from(key)) === 0);
      return Promise.resolve(found?.value);
    },
    async *scan(
      { start = "", end = "", limit = Infinity }: {
        start?: Uint8Array | string | undefined;
        end?: Uint8Array | string | undefined;
        limit?: number | undefined;
      } = {},
    ): AsyncGenerator<ScanEntry> {
      let left = limit;
      for (const { key } of sorted) {
        const isBefore = Buffer.compare(key, Buffer.from(start)) < 0;
        const isPast = end.length > 0 && Buffer.compare(key, Buffer.from(end)) >= 0;
        if (isBefore || isPast || left === 0) continue;
        left--;
        yield await Promise.resolve({ key, value: new Uint8Array() });
      }
    },
  };
}

/**
 * Stands in for the dashboard's server: the real page with the real headers, and states that a test
 * makes up. Speaks dashboard/api.ts.
 */
import { Buffer } from "node:buffer";
import type {
  Action,
  ActionPreview,
  ApiError,
  ClusterState,
  KeyPage,
  KeyView,
  StateDelta,
} from "../../../dashboard/api.ts";
import { assets } from "../../../dashboard/gen/assets.ts";
import { fakeHistory } from "./fake_history.ts";

export interface FakeServerOptions {
  readonly state: ClusterState;
  /** Undefined: actions are switched off. */
  readonly adminToken?: string;
}

/** What the real server sends with every file. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; " +
  "img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'";

const HISTORY_SEED = 7;
const KEYS_PER_PAGE = 20;
const KEYS = 47;

type Client = ReadableStreamDefaultController<Uint8Array>;

export class FakeServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #adminToken: string | undefined;
  readonly #clients = new Set<Client>();
  readonly #encoder = new TextEncoder();
  #state: ClusterState;
  #eventId = 0;
  #refusing = false;
  /** What has been run, in order. */
  readonly actions: Action[] = [];

  constructor({ state, adminToken }: FakeServerOptions) {
    this.#state = state;
    this.#adminToken = adminToken;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  get state(): ClusterState {
    return this.#state;
  }

  /** Pages that listen now. */
  get listeners(): number {
    return this.#clients.size;
  }

  /** Sends a delta to all pages. `state` is what it leads to, for those that come later. */
  send(delta: StateDelta, state: ClusterState): void {
    this.#state = state;
    this.#eventId++;
    for (const client of this.#clients) this.#write(client, "delta", delta);
  }

  /** Ends all streams and refuses new ones, until `heal()`. */
  cut(): void {
    this.#refusing = true;
    for (const client of this.#clients) client.close();
    this.#clients.clear();
  }

  heal(): void {
    this.#refusing = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const asset = assets[url.pathname];
    if (asset !== undefined) {
      return new Response(Buffer.from(asset.gzip, "base64"), {
        headers: {
          "content-type": asset.type,
          "content-encoding": "gzip",
          "content-security-policy": POLICY,
          "etag": `"${asset.etag}"`,
        },
      });
    }
    if (this.#refusing) return failure(503, "unavailable", "The server is told to refuse");
    switch (url.pathname) {
      case "/api/v1/state":
        return Response.json(this.#state);
      case "/api/v1/history":
        return Response.json(fakeHistory(this.#state, HISTORY_SEED));
      case "/api/v1/events":
        return this.#events();
      case "/api/v1/keys/value":
        return keyValue(url.searchParams);
      case "/api/v1/keys":
        return Response.json(keyPage(url.searchParams));
      case "/api/v1/actions":
        return Response.json({
          enabled: this.#adminToken !== undefined,
          authorized: this.#authorized(request),
        });
      case "/api/v1/actions/preview":
      case "/api/v1/actions/run":
        if (!this.#authorized(request)) return failure(401, "unauthorized", "The token is wrong");
        return this.#act(url.pathname.endsWith("run"), await request.json() as Action);
      default:
        return failure(404, "notFound", `There is no ${url.pathname}`);
    }
  }

  #authorized(request: Request): boolean {
    return this.#adminToken !== undefined &&
      request.headers.get("authorization") === `Bearer ${this.#adminToken}`;
  }

  #events(): Response {
    let own: Client;
    const body = new ReadableStream<Uint8Array>({
      start: (client) => {
        own = client;
        this.#clients.add(client);
        this.#write(client, "snapshot", this.#state);
      },
      cancel: () => void this.#clients.delete(own),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  #write(client: Client, event: string, data: unknown): void {
    const text = `id: ${this.#eventId}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    client.enqueue(this.#encoder.encode(text));
  }

  #act(run: boolean, action: Action): Response {
    const preview = previewOf(action, this.#state);
    if (!run) return Response.json(preview);
    if (preview.refusal !== null) return failure(409, "refused", preview.refusal);
    this.actions.push(action);
    return Response.json({ command: preview.command, message: `${action.kind} OK` });
  }
}

function failure(status: number, code: string, message: string): Response {
  return Response.json({ error: { code, message } } satisfies ApiError, { status });
}

function keyValue(params: URLSearchParams): Response {
  const key = params.get("key") ?? "";
  if (key === "broken") return failure(504, "timeout", "Cannot get the key: no answer in time");
  const place = { shardId: 12, groupId: 100 };
  const view = (value: KeyView["value"], valueBytes: number): KeyView => ({
    key: { text: key },
    found: value !== null,
    value,
    valueBytes,
    ...place,
  });
  if (key === "missing") return Response.json(view(null, 0));
  if (key === "binary") return Response.json(view({ base64: "AAEC/f7/" }, 6));
  if (key === "<b>markup</b>") return Response.json(view({ text: "<img src=x onerror=x>" }, 21));
  return Response.json(view({ text: `value of ${key}` }, 9 + key.length));
}

function keyPage(params: URLSearchParams): KeyPage {
  const prefix = params.get("prefix") ?? "";
  const first = Number(params.get("after") ?? 0);
  if (prefix === "none") return { keys: [], next: null };
  const last = Math.min(KEYS, first + KEYS_PER_PAGE);
  return {
    keys: Array.from({ length: last - first }, (_, at) => ({
      key: { text: `${prefix}key${String(first + at).padStart(3, "0")}` },
      shardId: (first + at) % 64,
      groupId: 100,
    })),
    next: last < KEYS ? String(last) : null,
  };
}

function previewOf(action: Action, { groups }: ClusterState): ActionPreview {
  switch (action.kind) {
    case "moveShard":
      return {
        command: `shardctrlerclient move ${action.shardId} ${action.gid}`,
        moves: [{ shardId: action.shardId, fromGid: 100, toGid: action.gid }],
        refusal: null,
      };
    case "transferLeader":
      return {
        command: `shardctrlerclient member transfer ${action.gid} ${action.nodeId}`,
        moves: [],
        refusal: null,
      };
    case "addGroup":
      return {
        command: `shardctrlerclient join ${action.gid}=${action.servers.join(",")}`,
        moves: [3, 4, 5, 9].map((shardId) => ({ shardId, fromGid: 100, toGid: action.gid })),
        refusal: groups.some((group) => group.gid === action.gid)
          ? `Cannot join group ${action.gid}: it has joined already`
          : null,
      };
    case "removeGroup":
      return {
        command: `shardctrlerclient leave ${action.gid}`,
        moves: (groups.find(({ gid }) => gid === action.gid)?.shards ?? []).map((shardId) => ({
          shardId,
          fromGid: action.gid,
          toGid: action.gid === 100 ? 101 : 100,
        })),
        refusal: null,
      };
  }
}

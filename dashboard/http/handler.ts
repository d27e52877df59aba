/** From a request to its answer, without a socket. */
import type { Config } from "../../shardctrler/configuration/config.ts";
import type { ClusterState, History } from "../api.ts";
import { parseAction } from "./action_input.ts";
import type { ActionDesk } from "./actions.ts";
import type { AdminGuard } from "./admin_guard.ts";
import type { AssetShelf } from "./asset_shelf.ts";
import { classicDashboard, classicMetrics, classicTopology } from "./classic_api.ts";
import type { EventHub } from "./event_hub.ts";
import { errorResponse, HttpError, json, jsonText } from "./http_error.ts";
import type { KeyBrowser } from "./keys.ts";
import { checkHost, checkSameOrigin, readJson, SECURITY_HEADERS } from "./request_guard.ts";

/** What the collector knows. */
export interface ClusterSource {
  readonly state: ClusterState | undefined;
  readonly config: Config | undefined;
  readonly history: History;
}

export interface HandlerOptions {
  readonly cluster: ClusterSource;
  readonly hub: EventHub;
  readonly keys: KeyBrowser;
  readonly desk: ActionDesk;
  readonly guard: AdminGuard;
  readonly assets: AssetShelf;
  /** The server is for its own machine: requests for another host's name are refused. */
  readonly isLocal: boolean;
  /** Told of what nobody expected. */
  readonly onError: (error: unknown) => void;
}

interface Call {
  readonly request: Request;
  readonly url: URL;
  /** Where the request comes from. */
  readonly peer: string;
}

type Answer = (call: Call) => Response | Promise<Response>;
type Route = { readonly method: "GET" | "POST"; readonly answer: Answer };

export type Handler = (request: Request, peer: string) => Promise<Response>;

export function createHandler(options: HandlerOptions): Handler {
  const routes = new Map<string, Route>([
    ...healthRoutes(options),
    ...stateRoutes(options),
    ...keyRoutes(options),
    ...actionRoutes(options),
  ]);
  return async (request, peer) => {
    const response = await answer(options, routes, request, peer);
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value);
    if (request.method !== "HEAD") return response;
    await response.body?.cancel();
    return new Response(null, response);
  };
}

async function answer(
  options: HandlerOptions,
  routes: ReadonlyMap<string, Route>,
  request: Request,
  peer: string,
): Promise<Response> {
  try {
    const url = urlOf(request);
    if (options.isLocal) checkHost(request);
    const { pathname } = url;
    const route = routes.get(pathname);
    if (route !== undefined) {
      checkMethod(request, route.method);
      return await route.answer({ request, url, peer });
    }
    if (!options.assets.has(pathname)) throw notFound(pathname);
    checkMethod(request, "GET");
    return options.assets.respond(pathname, request) ?? errorResponse(notFound(pathname));
  } catch (error) {
    const known = HttpError.from(error);
    if (known !== undefined) return errorResponse(known);
    options.onError(error);
    return errorResponse(new HttpError(500, "INTERNAL", "Cannot answer: something is broken here"));
  }
}

function healthRoutes({ cluster }: HandlerOptions): [string, Route][] {
  const ready = () => {
    if (cluster.config !== undefined && cluster.state !== undefined) return text("ready\n");
    return text("not ready: no controller has answered yet\n", 503);
  };
  return [["/livez", get(() => text("alive\n"))], ["/readyz", get(ready)]];
}

function stateRoutes({ cluster, hub }: HandlerOptions): [string, Route][] {
  const told = new ToldOnce<ClusterState>((state) => state);
  const classic = (shape: (state: ClusterState) => unknown): Route => {
    const shaped = new ToldOnce<ClusterState>(shape);
    return get(() => {
      const { state, config } = cluster;
      // As eRaft says it.
      if (state === undefined || config === undefined) return text("Data not ready\n", 503);
      return jsonText(shaped.text(state));
    });
  };
  return [
    ["/api/dashboard", classic(classicDashboard)],
    ["/api/topology", classic(classicTopology)],
    ["/api/metrics", classic(classicMetrics)],
    ["/api/v1/state", get(() => jsonText(told.text(stateOf(cluster))))],
    ["/api/v1/history", get(() => json(cluster.history))],
    ["/api/v1/events", get(({ request, peer }) => events(hub, request, peer))],
  ];
}

function keyRoutes({ keys }: HandlerOptions): [string, Route][] {
  return [
    ["/api/v1/keys", get(async ({ url }) => json(await keys.page(url.searchParams)))],
    ["/api/v1/keys/value", get(async ({ url }) => json(await keys.value(url.searchParams)))],
  ];
}

function actionRoutes({ desk, guard }: HandlerOptions): [string, Route][] {
  const support = ({ request, peer }: Call) =>
    json({ enabled: guard.isEnabled, authorized: guard.isAuthorized(request, peer) });
  const post = (answer: (action: ReturnType<typeof parseAction>, peer: string) => unknown) => ({
    method: "POST" as const,
    answer: async ({ request, peer }: Call) => {
      checkSameOrigin(request);
      guard.check(request, peer);
      return json(await answer(parseAction(await readJson(request)), peer));
    },
  });
  return [
    ["/api/v1/actions", get(support)],
    ["/api/v1/actions/preview", post((action) => desk.preview(action))],
    ["/api/v1/actions/run", post((action, peer) => desk.run(action, peer))],
  ];
}

function stateOf(cluster: ClusterSource): ClusterState {
  if (cluster.state !== undefined) return cluster.state;
  throw new HttpError(503, "NOT_READY", "Cannot tell yet: nobody has been asked so far", {
    "retry-after": "1",
  });
}

function events(hub: EventHub, request: Request, peer: string): Response {
  // Who asks for the headers alone would hold a client's place until it is told of something.
  if (request.method === "HEAD") return eventStream(null);
  const stream = hub.open(request.headers.get("last-event-id"), peer);
  if (stream === undefined) {
    throw new HttpError(503, "OVERLOADED", "Cannot take one more client: there are too many", {
      "retry-after": "5",
    });
  }
  return eventStream(stream);
}

function eventStream(stream: ReadableStream<Uint8Array> | null): Response {
  return new Response(stream, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // Proxies that gather what they pass on would hold events back.
      "x-accel-buffering": "no",
    },
  });
}

/** Makes the JSON of a value once, however many ask for it. */
class ToldOnce<Value> {
  readonly #shape: (value: Value) => unknown;
  #value: Value | undefined;
  #text = "";

  constructor(shape: (value: Value) => unknown) {
    this.#shape = shape;
  }

  text(value: Value): string {
    if (this.#value !== value) {
      this.#text = JSON.stringify(this.#shape(value));
      this.#value = value;
    }
    return this.#text;
  }
}

function get(answer: Answer): Route {
  return { method: "GET", answer };
}

function text(body: string, status = 200): Response {
  return new Response(body, { status, headers: { "cache-control": "no-store" } });
}

/**
 * The URL is put together from what the client says it is, the name of the host included.
 *
 * @throws {HttpError} 400
 */
function urlOf({ url }: Request): URL {
  if (URL.canParse(url)) return new URL(url);
  throw new HttpError(
    400,
    "INVALID_ARGUMENT",
    `Cannot read the URL '${url.slice(0, 200)}': its host or its path is malformed`,
  );
}

/** @throws {HttpError} 405 */
function checkMethod({ method, url }: Request, allowed: Route["method"]): void {
  if (method === allowed || (method === "HEAD" && allowed === "GET")) return;
  const allow = allowed === "GET" ? "GET, HEAD" : allowed;
  const why = `Cannot ${method} ${new URL(url).pathname}: it takes ${allow}`;
  throw new HttpError(405, "METHOD_NOT_ALLOWED", why, { allow });
}

function notFound(pathname: string): HttpError {
  return new HttpError(
    404,
    "NOT_FOUND",
    `Cannot find ${pathname.slice(0, 200)}: there is no such page`,
  );
}

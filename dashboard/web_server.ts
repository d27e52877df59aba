/** The socket: everything behind it is the handler's. */
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Handler } from "./http/handler.ts";

export interface WebServerOptions {
  readonly host: string;
  /** 0: the system chooses one. */
  readonly port: number;
  readonly handler: Handler;
  readonly clock: Clock;
}

export interface WebServer {
  readonly url: string;
  /** Takes no more requests, and lets answers under way finish for a while; the rest ends with the process. */
  close(): Promise<void>;
}

/** Milliseconds that answers under way have when the server closes. */
const CLOSE_GRACE_MS = 1_000;

/** @throws {Error} When it cannot listen there; the text says what to do */
export function serveHttp({ host, port, handler, clock }: WebServerOptions): WebServer {
  try {
    const server = Deno.serve({
      hostname: host,
      port,
      onListen: () => {},
    }, (request, { remoteAddr }) => {
      return handler(request, "hostname" in remoteAddr ? remoteAddr.hostname : "unknown");
    });
    const { hostname, port: bound } = server.addr;
    return {
      url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${bound}`,
      async close() {
        const timer = new AbortController();
        const late = sleep(clock, CLOSE_GRACE_MS, timer.signal).catch(() => {});
        await Promise.race([server.shutdown(), late]);
        timer.abort();
      },
    };
  } catch (cause) {
    throw new Error(`Cannot listen on ${host}:${port}: ${reasonOf(cause)}`, { cause });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return "the port is in use; stop the process that holds it or choose another with -port";
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return "this machine does not have that address; use one of its own or 0.0.0.0 with -listen";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "this user may not bind that port; use one above 1023 with -port";
  }
  return error instanceof Error ? error.message : String(error);
}

/** What a request must be like before anybody looks at what it wants. */
import { HttpError } from "./http_error.ts";

/** Bytes of a request's body: the largest action names nine addresses. */
export const BODY_BYTES_MAX = 64 * 1024;

/** Set on every answer. Scripts, styles and connections come from this server alone. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; " +
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

/** Whether only programs on this machine can reach a server that listens there. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" ||
    /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * Another site may give its own name this machine's address, and then read what
 * only this machine may see: the name in the request gives that away.
 *
 * @throws {HttpError} 421 for a name that is not this machine's own
 */
export function checkHost(request: Request): void {
  const { hostname, host } = urlOfHost(request);
  if (isLoopback(hostname)) return;
  throw new HttpError(
    421,
    "WRONG_HOST",
    `Cannot answer for host '${host}': this server is for its own machine; ` +
      "open it as localhost, or start it with -listen to serve others",
  );
}

/**
 * @throws {HttpError} 403 for a request that a page of another site has made
 */
export function checkSameOrigin(request: Request): void {
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  const isForeign = (site !== null && site !== "same-origin" && site !== "none") ||
    (origin !== null && hostOf(origin) !== urlOfHost(request).host);
  if (!isForeign) return;
  throw new HttpError(
    403,
    "FOREIGN_ORIGIN",
    `Cannot take this request: it comes from a page of ${origin ?? "another site"}`,
  );
}

/**
 * Reads a body of JSON.
 *
 * @throws {HttpError} 415 for another type, 413 if it is too long, 400 if it is no JSON
 */
export async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new HttpError(
      415,
      "WRONG_TYPE",
      "Cannot read the body: its content type must be application/json",
    );
  }
  const text = new TextDecoder().decode(await readBytes(request));
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, "INVALID_ARGUMENT", "Cannot read the body: it is no JSON");
  }
}

async function readBytes(request: Request): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > BODY_BYTES_MAX) {
      throw new HttpError(
        413,
        "TOO_LARGE",
        `Cannot read the body: it has more than ${BODY_BYTES_MAX} bytes`,
      );
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function urlOfHost(request: Request): URL {
  const host = request.headers.get("host");
  const text = `http://${host ?? ""}/`;
  return host !== null && URL.canParse(text) ? new URL(text) : new URL(request.url);
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

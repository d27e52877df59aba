/** The page's files, which are part of the program. */
import { gunzipSync } from "node:zlib";

/** One file as the build of the page leaves it. */
export interface Asset {
  /** Its content type. */
  readonly type: string;
  /** Without quotes; another one for other content. */
  readonly etag: string;
  /** Its bytes, compressed by gzip, in base64. */
  readonly gzip: string;
}

interface Unpacked {
  readonly compressed: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  plain: Uint8Array<ArrayBuffer> | undefined;
}

export class AssetShelf {
  readonly #assets: Readonly<Record<string, Asset>>;
  /** Files that somebody wanted. */
  readonly #unpacked = new Map<string, Unpacked>();

  /** @param assets By path, such as `/app.js` */
  constructor(assets: Readonly<Record<string, Asset>>) {
    this.#assets = assets;
  }

  has(path: string): boolean {
    return Object.hasOwn(this.#assets, path);
  }

  /** @returns Undefined if there is no such file */
  respond(path: string, request: Request): Response | undefined {
    const asset = this.has(path) ? this.#assets[path] : undefined;
    if (asset === undefined) return undefined;
    const file = this.#unpack(path, asset);
    const headers = {
      "content-type": asset.type,
      "etag": file.etag,
      // The program may be replaced by a newer one: the browser asks each time.
      "cache-control": "no-cache",
      "vary": "accept-encoding",
    };
    if (isKnown(request, file.etag)) return new Response(null, { status: 304, headers });
    if (!acceptsGzip(request)) {
      file.plain ??= new Uint8Array(gunzipSync(file.compressed));
      return new Response(file.plain, { headers });
    }
    return new Response(file.compressed, { headers: { ...headers, "content-encoding": "gzip" } });
  }

  #unpack(path: string, { etag, gzip }: Asset): Unpacked {
    let file = this.#unpacked.get(path);
    if (file === undefined) {
      const compressed = Uint8Array.from(Buffer.from(gzip, "base64"));
      file = { compressed, etag: `"${etag.replaceAll('"', "")}"`, plain: undefined };
      this.#unpacked.set(path, file);
    }
    return file;
  }
}

function isKnown(request: Request, etag: string): boolean {
  const tags = request.headers.get("if-none-match")?.split(",") ?? [];
  return tags.some((tag) => {
    const bare = tag.trim().replace(/^W\//, "");
    return bare === etag || bare === "*";
  });
}

function acceptsGzip(request: Request): boolean {
  const codings = request.headers.get("accept-encoding")?.toLowerCase().split(",") ?? [];
  return codings.some((coding) => /^\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/.test(coding));
}

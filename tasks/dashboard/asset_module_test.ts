import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { assets } from "../../dashboard/gen/assets.ts";
import {
  type Asset,
  compareAssets,
  type PackedAsset,
  unpack,
  writeModule,
} from "./asset_module.ts";

/** What a browser loads before it shows anything, over a slow line. */
const GZIPPED_BYTES_MAX = 150 * 1024;

const encoder = new TextEncoder();
const asset = (text: string): Asset => ({ type: "text/plain", content: encoder.encode(text) });

async function load(source: string): Promise<Record<string, PackedAsset>> {
  return (await import(`data:application/typescript,${encodeURIComponent(source)}`)).assets;
}

Deno.test("writeModule() is the same for the same files, in whatever order they come", () => {
  const files: [string, Asset][] = [["/", asset("a")], ["/b", asset("b")]];
  assertEquals(writeModule(new Map(files)), writeModule(new Map(files.toReversed())));
});

Deno.test("compareAssets() finds what differs, and nothing in what was just written", async () => {
  const fresh = new Map([["/", asset("page")], ["/app.js", asset("code")]]);
  const written = await load(writeModule(fresh));
  assertEquals(compareAssets(written, fresh), []);
  const [page] = Object.values(written);
  assertEquals(new TextDecoder().decode(page && unpack(page)), "page");
  const changed = new Map([["/", asset("another")], ["/new", asset("new")]]);
  assertEquals(compareAssets(written, changed), [
    "/: not what the sources give",
    "/new: missing",
    "/app.js: no source gives it",
  ]);
  const damaged = { ...written, "/": { ...written["/app.js"], etag: page?.etag } as PackedAsset };
  assertEquals(compareAssets(damaged, fresh), ["/: does not fit its etag"]);
});

Deno.test("the page's script and styles are small, and everything it names is there", () => {
  const packedBytes = Object.values(assets)
    .reduce((sum, { gzip }) => sum + Buffer.from(gzip, "base64").length, 0);
  assert(packedBytes < GZIPPED_BYTES_MAX, `The page has ${packedBytes} bytes`);
  const page = new TextDecoder().decode(unpack(assets["/"] as PackedAsset));
  const named = [...page.matchAll(/(?:href|src)="(\/[^"]+)"/g)].map(([, path = ""]) => path);
  assertEquals(new Set(named), new Set(Object.keys(assets).filter((path) => path !== "/")));
});

Deno.test("the page has nothing that its policy on contents forbids", () => {
  const page = new TextDecoder().decode(unpack(assets["/"] as PackedAsset));
  assert(!/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=/i.test(page), page);
  const script = new TextDecoder().decode(unpack(assets["/app.js"] as PackedAsset));
  assert(!/\beval\(|new Function\(/.test(script));
});

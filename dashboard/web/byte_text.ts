/** Keys and values as a reader sees them. */
import type { Bytes } from "../api.ts";

const BYTES_PER_LINE = 16;
const encoder = new TextEncoder();

function rawBytes(bytes: Bytes): Uint8Array {
  if ("text" in bytes) return encoder.encode(bytes.text);
  return Uint8Array.from(atob(bytes.base64), (char) => char.charCodeAt(0));
}

/** One line: the text itself, or the bytes in hexadecimal digits. */
export function inline(bytes: Bytes): string {
  return "text" in bytes ? bytes.text : hex(rawBytes(bytes));
}

/** Rows of offset, sixteen bytes, and what of them is printable. */
export function hexDump(bytes: Bytes): string {
  const raw = rawBytes(bytes);
  const lines: string[] = [];
  for (let at = 0; at < raw.length; at += BYTES_PER_LINE) {
    const row = raw.subarray(at, at + BYTES_PER_LINE);
    const offset = at.toString(16).padStart(8, "0");
    lines.push(`${offset}  ${hex(row).padEnd(BYTES_PER_LINE * 3 - 1)}  ${printable(row)}`);
  }
  return lines.join("\n");
}

/** The query of a request for this key. */
export function keyQuery(key: Bytes): string {
  return new URLSearchParams("text" in key ? { key: key.text } : { key64: key.base64 }).toString();
}

function hex(raw: Uint8Array): string {
  return Array.from(raw, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

function printable(raw: Uint8Array): string {
  return Array.from(raw, (byte) => byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".")
    .join("");
}

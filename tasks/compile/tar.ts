/** Archives that are the same, byte for byte, whenever and wherever they are made. */

export interface ArchiveFile {
  /** Path inside the archive, at most 100 characters. */
  readonly path: string;
  readonly isExecutable: boolean;
  readonly bytes: Uint8Array;
}

const BLOCK_BYTES = 512;

/**
 * A tar archive (ustar): no times, no owners, files in the order of their paths.
 *
 * @throws {RangeError} When a path is too long
 */
export function tarOf(files: readonly ArchiveFile[]): Uint8Array<ArrayBuffer> {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  // Two empty blocks end an archive.
  const total = sorted.reduce((sum, { bytes }) => sum + BLOCK_BYTES + padded(bytes.length), 0);
  const archive = new Uint8Array(total + 2 * BLOCK_BYTES);
  let position = 0;
  for (const file of sorted) {
    archive.set(header(file), position);
    archive.set(file.bytes, position + BLOCK_BYTES);
    position += BLOCK_BYTES + padded(file.bytes.length);
  }
  return archive;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

/** Fields of a header: where they begin and how long they are. */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  modified: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
} as const;

function header({ path, isExecutable, bytes }: ArchiveFile): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const encoder = new TextEncoder();
  const put = (field: keyof typeof FIELDS, text: string) => {
    const [start, length] = FIELDS[field];
    const encoded = encoder.encode(text);
    if (encoded.length > length) {
      throw new RangeError(`Cannot archive '${path}': its ${field} has more than ${length} bytes`);
    }
    block.set(encoded, start);
  };
  const putNumber = (field: keyof typeof FIELDS, value: number) =>
    put(field, `${value.toString(8).padStart(FIELDS[field][1] - 1, "0")}\0`);
  put("name", path);
  putNumber("mode", isExecutable ? 0o755 : 0o644);
  putNumber("uid", 0);
  putNumber("gid", 0);
  putNumber("size", bytes.length);
  putNumber("modified", 0);
  put("type", "0");
  put("magic", "ustar\x0000");
  // The checksum counts its own field as spaces.
  put("checksum", " ".repeat(FIELDS.checksum[1]));
  const sum = block.reduce((total, byte) => total + byte, 0);
  put("checksum", `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

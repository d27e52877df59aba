/** The data directory of a cluster and the layout it remembers in `cluster.json`. */
import type { Shape } from "./plan.ts";

const FILE = "cluster.json";
const VERSION = 1;

/** What the directory remembers between two starts. */
interface Remembered extends Shape {
  readonly version: number;
  /** All groups have been joined once; a group that is missing later left on purpose. */
  readonly joined: boolean;
}

/** The directory cannot be used for what was asked. */
export class DirectoryError extends Error {
  override readonly name = "DirectoryError";
}

const FLAGS: Readonly<Record<keyof Shape, string>> = {
  groups: "-groups",
  replicas: "-replicas",
  shards: "-shards",
  ctrlerPort: "-ctrler-port",
  groupPort: "-group-port",
};

const SHAPE_KEYS = Object.keys(FLAGS) as (keyof Shape)[];

/** An opened data directory. */
export class ClusterDirectory {
  readonly path: string;
  #shape: Shape;
  #joined: boolean;

  /** For {@linkcode open}, which checks what is on disk first. */
  constructor(path: string, shape: Shape, joined: boolean) {
    this.path = path;
    this.#shape = shape;
    this.#joined = joined;
  }

  /**
   * Takes the directory for a cluster of this shape, creating it where it does not exist.
   *
   * @throws {DirectoryError} When it belongs to something else or another shape, or cannot be used
   */
  static async open(path: string, shape: Shape): Promise<ClusterDirectory> {
    const entries = await listOrCreate(path);
    if (entries.includes(FILE)) {
      const remembered = await readRemembered(path, shape);
      checkShape(path, remembered, shape);
      return new ClusterDirectory(path, shape, remembered.joined);
    }
    if (entries.length > 0) {
      throw new DirectoryError(
        `Cannot use ${path}: it has no ${FILE} but holds '${entries[0]}', so it is not a ` +
          "cluster's; choose another directory with -db",
      );
    }
    const directory = new ClusterDirectory(path, shape, false);
    await directory.#write();
    return directory;
  }

  /** True once all groups were joined. */
  get joined(): boolean {
    return this.#joined;
  }

  /** Remembers that all groups were joined. */
  async rememberJoined(): Promise<void> {
    this.#joined = true;
    await this.#write();
  }

  /** Written beside and renamed, so that a crash leaves the old file or the new one. */
  async #write(): Promise<void> {
    const remembered: Remembered = {
      version: VERSION,
      groups: this.#shape.groups,
      replicas: this.#shape.replicas,
      shards: this.#shape.shards,
      ctrlerPort: this.#shape.ctrlerPort,
      groupPort: this.#shape.groupPort,
      joined: this.#joined,
    };
    const file = `${this.path}/${FILE}`;
    try {
      await Deno.writeTextFile(`${file}.new`, `${JSON.stringify(remembered, null, 2)}\n`);
      await Deno.rename(`${file}.new`, file);
    } catch (cause) {
      throw new DirectoryError(`Cannot write ${file}: ${messageOf(cause)}`, { cause });
    }
  }
}

async function listOrCreate(path: string): Promise<string[]> {
  try {
    await Deno.mkdir(path, { recursive: true });
    const names = await Array.fromAsync(Deno.readDir(path), (entry) => entry.name);
    return names.filter((name) => name !== `${FILE}.new`).sort();
  } catch (cause) {
    throw new DirectoryError(`Cannot use ${path} as data directory: ${messageOf(cause)}`, {
      cause,
    });
  }
}

async function readRemembered(path: string, shape: Shape): Promise<Remembered> {
  let text: string;
  try {
    text = await Deno.readTextFile(`${path}/${FILE}`);
  } catch (cause) {
    throw new DirectoryError(`Cannot read ${path}/${FILE}: ${messageOf(cause)}`, { cause });
  }
  const value = parseRemembered(text);
  if (value === undefined || value.version === undefined) throw damaged(path, shape);
  if (value.version !== VERSION) {
    throw new DirectoryError(
      `Cannot use ${path}: its ${FILE} has version ${value.version}, and only ${VERSION} is known`,
    );
  }
  if (!isWhole(value)) throw damaged(path, shape);
  return value;
}

/** Undefined if the text is no object in JSON. */
function parseRemembered(text: string): Partial<Remembered> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function isWhole(value: Partial<Remembered>): value is Remembered {
  return typeof value.joined === "boolean" &&
    SHAPE_KEYS.every((key) => Number.isInteger(value[key]));
}

/** The servers' data is not touched by it: the layout is all that has to be put right. */
function damaged(path: string, shape: Shape): DirectoryError {
  const layout = Object.fromEntries(SHAPE_KEYS.map((key) => [key, shape[key]]));
  const whole = JSON.stringify({ version: VERSION, ...layout, joined: true });
  return new DirectoryError(
    `Cannot use ${path}: its ${FILE} is damaged; if the cluster was made with these options, ` +
      `write ${whole} into it, else choose another directory with -db`,
  );
}

function checkShape(path: string, remembered: Remembered, shape: Shape): void {
  const differences = SHAPE_KEYS.filter((key) => remembered[key] !== shape[key])
    .map((key) => `${FLAGS[key]} ${remembered[key]} (now ${shape[key]})`);
  if (differences.length === 0) return;
  throw new DirectoryError(
    `Cannot use ${path}: it holds a cluster made with ${differences.join(", ")}; ` +
      "repeat those options, or choose another directory with -db",
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

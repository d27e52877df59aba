/** Which process is at the other end of a loopback connection: Linux tells, and nobody has to be root. */

/** Columns of /proc/net/tcp: local address, remote address, and the socket's inode. */
const LOCAL = 1;
const REMOTE = 2;
const INODE = 9;

/**
 * The process that holds the socket.
 *
 * @param localPort Its end of the connection
 * @param remotePort Our end
 * @param candidates Processes that may be it
 * @returns undefined if it is none of them, or the connection is gone already
 */
export function ownerOf(
  localPort: number,
  remotePort: number,
  candidates: Iterable<number>,
): number | undefined {
  const inode = inodeOf(Deno.readTextFileSync("/proc/net/tcp"), localPort, remotePort);
  if (inode === undefined) return undefined;
  for (const pid of candidates) {
    if (holds(pid, `socket:[${inode}]`)) return pid;
  }
  return undefined;
}

/** The inode of a socket in a table as /proc/net/tcp gives it. */
export function inodeOf(table: string, localPort: number, remotePort: number): string | undefined {
  for (const line of table.split("\n")) {
    const columns = line.trim().split(/\s+/);
    if (portIn(columns[LOCAL]) !== localPort || portIn(columns[REMOTE]) !== remotePort) continue;
    return columns[INODE];
  }
  return undefined;
}

function portIn(address: string | undefined): number {
  return parseInt(address?.split(":")[1] ?? "", 16);
}

function holds(pid: number, link: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    for (const { name } of Deno.readDirSync(folder)) {
      if (linkOf(`${folder}/${name}`) === link) return true;
    }
  } catch {
    // The process is gone.
  }
  return false;
}

function linkOf(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    // It was closed meanwhile.
    return undefined;
  }
}

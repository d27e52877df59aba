/** Which process is at the other end of a loopback connection: Linux tells, and nobody has to be root. */

/** Column of the socket's inode in /proc/net/tcp, counted from its local address. */
const INODE = 8;

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
  // Tables of busy machines are long, so the line is searched for rather than all of them split.
  const at = table.indexOf(` ${loopback(localPort)} ${loopback(remotePort)} `);
  if (at < 0) return undefined;
  return table.slice(at, table.indexOf("\n", at)).trim().split(/\s+/)[INODE];
}

/** 127.0.0.1 and a port, as the table has it. */
function loopback(port: number): string {
  return `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
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

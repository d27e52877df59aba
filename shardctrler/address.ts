/** What counts as the address of a server. Pure. */

/** A DNS name has 253 bytes at most; brackets or colon and port come on top. */
export const ADDRESS_BYTES_MAX = 262;
const PORT_MAX = 65_535;

const HOST =
  /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9]+)?\])$/;
const PORT = /^[1-9][0-9]{0,4}$/;

/**
 * Says what is wrong with `host:port`, where host is a name, an IPv4 address or
 * an IPv6 address in brackets.
 *
 * @returns The rest of a sentence that begins with the address; undefined if all is well
 */
export function addressProblem(address: string): string | undefined {
  if (address === "") return "it is empty";
  if (address.length > ADDRESS_BYTES_MAX) {
    return `it has ${address.length} characters, at most ${ADDRESS_BYTES_MAX} are allowed`;
  }
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, Math.max(colon, 0));
  const port = address.slice(colon + 1);
  if (colon === -1 || !HOST.test(host)) return "it must read host:port";
  if (!PORT.test(port) || Number(port) > PORT_MAX) {
    return `its port must be an integer in 1..${PORT_MAX}`;
  }
  return undefined;
}

/** A form in which equal addresses are equal strings: host names ignore case. */
export function canonicalAddress(address: string): string {
  return address.toLowerCase();
}

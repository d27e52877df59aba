/** Network addresses as people write them: `host:port`, IPv6 in brackets. */

export interface Address {
  /** Host name or IP address; IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
}

export interface ParseAddressOptions {
  /** Lowest port allowed; 0 lets the system choose one. Default 1. */
  readonly portMin?: number;
}

/** Characters of an address: a DNS name has 253 at most, then come a colon and the port. */
export const ADDRESS_CHARS_MAX = 259;
const PORT_MAX = 65_535;

/** RFC 1123 letters, digits and hyphens; the underscore is what container networks add. */
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/**
 * Reads `host:port`.
 *
 * @throws {SyntaxError} When the text has no such form
 * @throws {RangeError} When the port is out of range
 */
export function parseAddress(text: string, options: ParseAddressOptions = {}): Address {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/.exec(text);
  if (match === null) {
    const hint = text.split(":").length > 2 && !text.includes("/")
      ? "IPv6 addresses go in brackets, like [::1]:50051"
      : "it must be host:port, like localhost:50051";
    throw new SyntaxError(`Cannot use address "${text}": ${hint}`);
  }
  const [, ipv6, name, portText = ""] = match;
  return { host: parseHost(text, ipv6, name ?? ""), port: parsePort(text, portText, options) };
}

/** Whether the text is an address that {@linkcode parseAddress} takes. */
export function isAddress(text: string): boolean {
  try {
    parseAddress(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Reads a comma-separated list of addresses; blanks around them do not count.
 *
 * @returns The addresses as written, in order, at least one
 * @throws {SyntaxError} When one is malformed, listed twice, or the list is empty
 * @throws {RangeError} When a port is out of range
 */
export function parseAddressList(text: string): string[] {
  const addresses = text.split(",").map((part) => part.trim());
  if (text.trim() === "") throw new SyntaxError("Cannot use an empty list of addresses");
  const seen = new Set<string>();
  for (const address of addresses) {
    if (address === "") {
      throw new SyntaxError(`Cannot use addresses "${text}": one of them is empty`);
    }
    const { host, port } = parseAddress(address);
    const key = `${host.toLowerCase()} ${port}`;
    if (seen.has(key)) {
      throw new SyntaxError(`Cannot use addresses "${text}": ${address} is listed twice`);
    }
    seen.add(key);
  }
  return addresses;
}

function parseHost(text: string, ipv6: string | undefined, name: string): string {
  if (ipv6 !== undefined) {
    if (isIpv6(ipv6)) return ipv6;
    throw new SyntaxError(`Cannot use address "${text}": [${ipv6}] is no IPv6 address`);
  }
  if (name === "") throw new SyntaxError(`Cannot use address "${text}": the host is missing`);
  const looksNumeric = /^[\d.]+$/.test(name);
  if (looksNumeric ? isIpv4(name) : HOST_NAME.test(name)) return name;
  throw new SyntaxError(`Cannot use address "${text}": "${name}" is no host name or IP address`);
}

function parsePort(text: string, portText: string, options: ParseAddressOptions): number {
  const { portMin = 1 } = options;
  if (portText === "") throw new SyntaxError(`Cannot use address "${text}": the port is missing`);
  if (!/^\d+$/.test(portText)) {
    throw new SyntaxError(`Cannot use address "${text}": port "${portText}" is no number`);
  }
  const port = Number(portText);
  if (port < portMin || port > PORT_MAX) {
    throw new RangeError(
      `Cannot use address "${text}": the port must be ${portMin} to ${PORT_MAX}, not ${portText}`,
    );
  }
  return port;
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

/** Asks the URL parser, the only IPv6 grammar at hand; a zone (`%eth0`) is let through. */
function isIpv6(text: string): boolean {
  const [address = "", zone] = text.split("%", 2);
  if (zone === "" || !address.includes(":")) return false;
  return URL.canParse(`http://[${address}]/`);
}

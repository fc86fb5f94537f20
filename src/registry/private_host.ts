/** Prefixes of IPv4 addresses outside the public internet (RFC 6890): this host, private, shared, link-local. */
const PRIVATE_V4 =
  /^(?:0|10|127)\.|^169\.254\.|^192\.168\.|^172\.(?:1[6-9]|2\d|3[01])\.|^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./;
/** Prefixes of the same kinds of IPv6 addresses: unspecified, loopback, unique local, link-local. */
const PRIVATE_V6 = /^(?:::1?$|f[cd]|fe[89ab])/;

/**
 * Returns whether a URL names this machine or an address of its own network. A server must not send clients there unless
 * it is there itself: it could make them query services that trust every caller in that network.
 */
export function isPrivateHost({ hostname }: URL): boolean {
  if (hostname === "localhost" || hostname.endsWith(".localhost")) return true;
  if (!hostname.startsWith("[")) return /^[\d.]+$/.test(hostname) && PRIVATE_V4.test(hostname);
  const address = hostname.slice(1, -1);
  const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(address);
  if (!mapped) return PRIVATE_V6.test(address);
  const [high, low] = [parseInt(mapped[1]!, 16), parseInt(mapped[2]!, 16)];
  return PRIVATE_V4.test(`${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`);
}

/** Returns whether a URL names this machine by a loopback address, which no other machine can listen to. */
export function isLoopbackHost({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" ||
    /^127(?:\.\d+){3}$/.test(hostname);
}

/** Returns the value of an environment variable; `undefined` if it is not set. */
export type ProxyEnvironment = (name: string) => string | undefined;

/**
 * Returns the proxy for a URL from `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in upper or lower case, as Go programs read
 * them; `undefined` for a direct connection. Loopback addresses always get a direct connection.
 */
export function findProxy(url: URL, environment: ProxyEnvironment): URL | undefined {
  const read = (name: string) => environment(name) || environment(name.toLowerCase()) || "";
  const value = read(url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  if (value === "" || isLoopback(url.hostname)) return undefined;
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  if (read("NO_PROXY").split(",").some((rule) => matches(rule.trim().toLowerCase(), url.hostname, port))) {
    return undefined;
  }
  return URL.parse(value.includes("://") ? value : `http://${value}`) ?? undefined;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** Matches a rule of `NO_PROXY`: `*`, a host with its subdomains, `.host` for subdomains only, an address, or a network; each may have a port. */
function matches(rule: string, hostname: string, port: string): boolean {
  if (rule === "*") return true;
  const [, name = "", rulePort] = /^(\[.*\]|[^:]*|[^[].*:.*:.*?)(?::(\d+))?$/.exec(rule) ?? [];
  if (name === "" || (rulePort !== undefined && rulePort !== port)) return false;
  const network = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(name);
  if (network) return isWithin(hostname, network[1]!, Number(network[2]));
  const bare = name.replace(/^\*?\./, "");
  if (bare !== name) return hostname.endsWith(`.${bare}`);
  return hostname === name || hostname === `[${name}]` || hostname.endsWith(`.${name}`);
}

function isWithin(hostname: string, network: string, bits: number): boolean {
  const [address, base] = [toNumber(hostname), toNumber(network)];
  if (address === undefined || base === undefined || bits > 32) return false;
  const size = 2 ** (32 - bits);
  return Math.floor(address / size) === Math.floor(base / size);
}

function toNumber(address: string): number | undefined {
  const parts = address.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

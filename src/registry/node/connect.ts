import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";

/** Returns the headers that authenticate a client to a proxy; empty if the proxy's URL has no user name. */
export function getProxyHeaders(proxy: URL): Record<string, string> {
  if (proxy.username === "") return {};
  const text = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { "proxy-authorization": `Basic ${new TextEncoder().encode(text).toBase64()}` };
}

/** Returns the host of a URL as `node:` modules require it: IPv6 addresses without brackets. */
export function getHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/**
 * Opens a TLS connection through a proxy (`CONNECT`, RFC 9110 §9.3.6).
 *
 * @throws {Error} If the proxy cannot be reached, does not answer 200, or the TLS handshake fails.
 */
export async function connectThrough(
  proxy: URL,
  target: URL,
  options: { tls: ConnectionOptions; signal: AbortSignal },
): Promise<Socket> {
  const authority = `${target.hostname}:${target.port || "443"}`;
  const socket = await openTunnel(proxy, authority, options.signal);
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const host = getHost(target);
  // The certificate of an IP address is verified too, but SNI only allows names (RFC 6066 §3).
  const name = isIP(host) === 0 ? { servername: host } : {};
  const secured = connectTls({ ...options.tls, ...name, host, socket }, () => resolve(secured));
  secured.once("error", reject);
  const abort = () => secured.destroy(new Error("aborted"));
  options.signal.addEventListener("abort", abort, { once: true });
  try {
    return await promise;
  } finally {
    options.signal.removeEventListener("abort", abort);
  }
}

async function openTunnel(proxy: URL, authority: string, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const send = proxy.protocol === "https:" ? httpsRequest : httpRequest;
  const request = send({
    host: getHost(proxy),
    port: proxy.port || (proxy.protocol === "https:" ? 443 : 80),
    method: "CONNECT",
    path: authority,
    headers: { host: authority, ...getProxyHeaders(proxy) },
    agent: false,
    signal,
  });
  request.once("connect", (response, socket) => {
    if (response.statusCode === 200) return resolve(socket as Socket);
    socket.destroy();
    reject(new Error(`the proxy ${proxy.host} answered ${response.statusCode}`));
  });
  request.once("response", (response) => {
    response.destroy();
    reject(new Error(`the proxy ${proxy.host} answered ${response.statusCode}`));
  });
  request.once("error", reject);
  request.end();
  return await promise;
}

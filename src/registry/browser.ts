/**
 * Whether `fetch` is a browser's: it sets some headers by itself, follows redirects without showing where they lead, and
 * streams bodies over HTTP/2 alone, without saying beforehand whether that is spoken.
 */
export function isInBrowser(): boolean {
  const probe = new Request("http://localhost/", { headers: { "accept-encoding": "identity" } });
  return !probe.headers.has("accept-encoding");
}

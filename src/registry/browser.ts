/**
 * Returns whether `fetch` is that of a browser. A browser's `fetch` sets some headers itself, hides the location of
 * redirects, and streams request bodies only over HTTP/2, without telling beforehand whether the server speaks that.
 */
export function isInBrowser(): boolean {
  const probe = new Request("http://localhost/", { headers: { "accept-encoding": "identity" } });
  return !probe.headers.has("accept-encoding");
}

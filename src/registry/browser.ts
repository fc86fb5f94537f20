/**
 * Whether `fetch` is a browser's: it sets some headers by itself, follows redirects without showing where they lead, and
 * streams bodies over HTTP/2 alone, without saying beforehand whether that is spoken.
 */
export const IN_BROWSER: boolean = !new Request("http://localhost/", { headers: { "accept-encoding": "identity" } })
  .headers.has("accept-encoding");

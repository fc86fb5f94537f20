/**
 * For `--preload`: sends what is meant for `https://quay.io` to the registry of the environment variable
 * `REGISTRY_URL`, so that commands and scripts of the documents run as they are written.
 */
const real = globalThis.fetch;
const target = new URL(Deno.env.get("REGISTRY_URL")!);

globalThis.fetch = (input, init) => {
  const request = new Request(input, init);
  const url = new URL(request.url);
  if (url.hostname !== "quay.io") return real(input, init);
  url.protocol = target.protocol;
  url.host = target.host;
  return real(new Request(url, request));
};

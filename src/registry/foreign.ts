import { type ByteStream, findUrl } from "../internal/room.ts";
import { isManifestsError, ManifestsError } from "../spec/room.ts";
import { type DownloadOptions, openDownload } from "./download.ts";
import type { HttpRequest, HttpResponse } from "./http_types.ts";
import { isPrivateHost } from "./private_host.ts";
import { redactUrl } from "./redact.ts";

/** Maximum number of URLs that are tried: real layers name one or two, a hostile manifest may name thousands. */
const MAX_URLS = 16;

/** Options for {@linkcode openForeign}. */
export interface ForeignOptions extends Omit<DownloadOptions, "get"> {
  /** Sends a request without credentials. */
  readonly send: (request: HttpRequest) => Promise<HttpResponse>;
  /** URLs of the blob, in the manifest's order. */
  readonly urls: readonly string[];
  /** URLs in this machine's own network are allowed. */
  readonly allowPrivate: boolean;
  /** Maximum number of repetitions of each request. Default: that of the client. */
  readonly maxRetries?: number | undefined;
}

/**
 * Reads a foreign layer from the first of its URLs that has it (image-spec, descriptor `urls`). The manifest's author
 * chose the URLs: they get no credentials, and must not lead into this machine's network.
 *
 * @throws {unknown} The error of the last URL; `missing`, the registry's own error, if the URLs are not http(s).
 */
export async function openForeign(options: ForeignOptions, missing: unknown): Promise<ByteStream> {
  const { send, urls, allowPrivate, maxRetries, ...download } = options;
  const findProblem = (url: URL) =>
    !allowPrivate && isPrivateHost(url) ? "to the network that this client is in" : undefined;
  let failure = missing;
  for (const url of urls.slice(0, MAX_URLS)) {
    const place = findUrl(url);
    if (!place || !["http:", "https:"].includes(place.protocol)) continue;
    if (findProblem(place)) {
      failure = new ManifestsError(
        "DENIED",
        `Cannot GET ${redactUrl(url)}: this URL of a manifest leads to the network that this client is in`,
      );
      continue;
    }
    // `fetch` would send them in an `Authorization` header.
    place.username = place.password = "";
    const get = (range: string | undefined, signal: AbortSignal) =>
      send({
        method: "GET",
        url: place.href,
        ...(range ? { headers: { range } } : {}),
        signal,
        maxRetries,
        findProblem,
      });
    try {
      return await openDownload({ ...download, get });
    } catch (error) {
      if (!isManifestsError(error)) throw error;
      failure = error;
    }
  }
  throw failure;
}

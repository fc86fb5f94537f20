import { type ByteStream, findUrl } from "../internal/room.ts";
import { isManifestsError, ManifestsError } from "../spec/room.ts";
import { type DownloadOptions, openDownload } from "./download.ts";
import type { HttpRequest, HttpResponse } from "./http_types.ts";
import { isPrivateHost } from "./private_host.ts";
import { redactUrl } from "./redact.ts";

/** How many places are tried. */
const MAX_URLS = 16;

/** What {@linkcode openForeign} needs. */
export interface ForeignOptions extends Omit<DownloadOptions, "get"> {
  /** Sends a request without credentials. */
  readonly send: (request: HttpRequest) => Promise<HttpResponse>;
  /** Where the blob may be. */
  readonly urls: readonly string[];
  /** Whether places in the machine's own network are fine. */
  readonly allowPrivate: boolean;
  /** How often each request may be repeated. */
  readonly maxRetries?: number | undefined;
}

/**
 * Reads a foreign layer from the first of its URLs that has it (image-spec, descriptor `urls`). Whoever wrote the
 * manifest chose them: they get no credentials, and must not lead into the network that we are in.
 *
 * @throws {unknown} `missing`, the registry's own error, where no URL may be asked.
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
        `Cannot GET ${redactUrl(url)} as a manifest sends there, to the network that this client is in`,
      );
      continue;
    }
    // `fetch` would make an `Authorization` header of them.
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

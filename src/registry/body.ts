import { type ByteStream, readChunks } from "../internal/mod.ts";
import { isManifestsError, ManifestsError } from "../spec/mod.ts";
import { redactUrl } from "./errors.ts";
import type { HttpResponse } from "./http.ts";

/** The body of an answer. A connection that breaks off is an error with code `NETWORK`, not `fetch`'s bare `TypeError`. */
export function bodyOf({ response, url }: HttpResponse): ByteStream {
  if (!response.body) return new ReadableStream({ start: (controller) => controller.close() });
  const chunks = readChunks(response.body as ByteStream);
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next().catch((error) => fail(error, url));
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await chunks.return();
    },
  }, { highWaterMark: 0 });
}

function fail(error: unknown, url: string): never {
  // An abort carries the caller's own reason.
  if (!(error instanceof TypeError) || isManifestsError(error)) throw error;
  throw new ManifestsError("NETWORK", `Cannot read ${redactUrl(url)} to its end: ${error.message}`, { cause: error });
}

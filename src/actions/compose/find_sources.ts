import { delay } from "@std/async";
import type { ImageReference, SystemContext } from "../../image/room.ts";
import { allOrAbort } from "../../internal/room.ts";
import { type AddOptions, findInstances, type FoundImage } from "../../list/room.ts";
import { isManifestsError, ManifestsError } from "../../spec/room.ts";
import type { Runtime } from "../runtime.ts";
import { resolveSource } from "../resolve_source.ts";
import { getReadablePlatforms } from "./select_platforms.ts";
import type { ComposeSource, CompositionOptions } from "./types.ts";

/** A source that was read. */
export interface FoundSource {
  /** The source as the caller described it. */
  readonly source: ComposeSource;
  /** Image or index that was read from the registry. */
  readonly found: FoundImage;
}

/** Options for {@linkcode findSources}. */
export interface FindSourcesOptions extends
  Pick<
    CompositionOptions,
    "platforms" | "attestations" | "all" | "nested" | "wait" | "ignoreMissing" | "onMissing"
  >,
  Pick<AddOptions, "allowPlatformMismatch" | "onPlatformMismatch"> {
  /** System context for reading the sources. Default: none. */
  readonly systemContext?: SystemContext | undefined;
  /** Aborts reading and waiting. Default: never. */
  readonly signal?: AbortSignal | undefined;
}

/** First and longest pause before a missing source is looked for again, in milliseconds. */
const FIRST_PAUSE = 1000, MAX_PAUSE = 5000;

/**
 * Reads all sources concurrently, each with two requests per image. Sources that do not exist are waited for, or left
 * out, as the options say.
 *
 * @throws {ManifestsError} With code `NOT_FOUND` if a source does not exist, or none of them; and the codes of
 * `List.add`.
 */
export async function findSources(
  runtime: Runtime,
  sources: readonly ComposeSource[],
  options: FindSourcesOptions,
): Promise<FoundSource[]> {
  const { ignoreMissing = false, onMissing, signal } = options;
  const missing: ManifestsError[] = [];
  const found = await allOrAbort(
    sources.map((source) => async (signal) => {
      const reference = resolveSource(runtime, source.image);
      try {
        return { source, found: await findSource(runtime, reference, { ...options, signal }) };
      } catch (error) {
        if (!isManifestsError(error, "NOT_FOUND") || !(source.optional ?? ignoreMissing)) throw error;
        missing.push(error as ManifestsError);
        onMissing?.(String(source.image), error);
        return undefined;
      }
    }),
    signal,
  );
  const present = found.filter((item) => item !== undefined);
  if (present.length > 0 || missing.length === 0) return present;
  const reasons = missing.map(({ message }) => message).join("; ");
  throw new ManifestsError("NOT_FOUND", `Cannot compose an index: none of its sources exists: ${reasons}`, {
    cause: missing[0],
  });
}

/** Reads a source; while it does not exist, tries again until the pauses add up to `wait`. */
async function findSource(
  { host }: Runtime,
  reference: ImageReference,
  options: FindSourcesOptions,
): Promise<FoundImage> {
  const { wait = 0, signal, systemContext, platforms, all = true } = options;
  const choice = { ...options, all, platforms: getReadablePlatforms(platforms), mayMiss: true };
  // Tests and callers that set another delay for retries get it here, too.
  const unit = (systemContext?.retryDelay ?? FIRST_PAUSE) / FIRST_PAUSE;
  for (let pause = FIRST_PAUSE, waited = 0;; pause = Math.min(pause * 2, MAX_PAUSE)) {
    try {
      return await findInstances(reference, host.platform, choice);
    } catch (error) {
      if (!isManifestsError(error, "NOT_FOUND")) throw error;
      if (waited >= wait) throw waited > 0 ? createTimeout(reference, waited, error) : error;
      const rest = Math.min(pause, wait - waited);
      waited += rest;
      await delay(rest * unit, signal ? { signal } : {});
    }
  }
}

function createTimeout(reference: ImageReference, waited: number, cause: Error): ManifestsError {
  return new ManifestsError(
    "NOT_FOUND",
    `Cannot find ${reference} after waiting for ${waited / 1000} s: ${cause.message}`,
    { cause },
  );
}

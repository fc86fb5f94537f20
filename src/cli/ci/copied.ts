import type { CopyResult } from "../../copy/room.ts";
import { fetchManifest, parseImageName, type SystemContext } from "../../system/local/room.ts";
import type { ParsedManifest } from "../../spec/room.ts";
import { formatError } from "../errors.ts";
import { note } from "../output.ts";
import type { Publication } from "./publication.ts";

/** How the registry of a destination is reached. */
export interface ReadOptions {
  readonly systemContext?: SystemContext | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Describes the results of a push or of copies, one for each destination as the user typed it. Copies with different
 * digests have neither a digest nor a manifest in common.
 */
export async function describeCopies(
  destinations: readonly string[],
  results: readonly CopyResult[],
  options: ReadOptions,
): Promise<Publication> {
  const references = results.flatMap(({ reference }) => reference ?? []);
  const digests = new Set(results.map(({ digest }) => digest));
  const digest = digests.size === 1 ? results[0]!.digest : undefined;
  return {
    digest,
    references: [...new Set(references)],
    tags: destinations.flatMap((destination, i) => {
      const named = results[i]?.reference === undefined ? undefined : parseImageName(destination).dockerReference;
      return named?.tag === undefined ? [] : [`${named.name}:${named.tag}`];
    }),
    unchanged: results.every(({ unchanged }) => unchanged),
    manifest: references[0] === undefined || digest === undefined
      ? undefined
      : await readPublished(references[0], options),
    json: results.length === 1
      ? toCopiedJson(results[0]!)
      : results.map((result, i) => ({ destination: destinations[i], ...toCopiedJson(result) })),
  };
}

/** Reads the manifest for the summary: the copy may have changed it. A failure does not undo the publication. */
export async function readPublished(reference: string, options: ReadOptions): Promise<ParsedManifest | undefined> {
  try {
    return await fetchManifest(`docker://${reference}`, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    note(`Warning: the summary has no table: ${formatError(error)}`);
    return undefined;
  }
}

/** Converts the result of a copy to the value that `--format json` prints. */
export function toCopiedJson({ instances, referrers, ...rest }: CopyResult): Record<string, unknown> {
  return {
    ...rest,
    instances: Object.fromEntries(instances),
    ...(referrers ? { referrers: Object.fromEntries(referrers) } : {}),
  };
}

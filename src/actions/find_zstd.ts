import { hasZstd } from "../copy/room.ts";
import { readManifest, type SystemContext } from "../image/room.ts";
import { allOrAbort } from "../internal/room.ts";
import type { List } from "../list/room.ts";
import { type Digest, isIndex } from "../spec/room.ts";

/** Options for {@linkcode findZstd}. */
interface FindZstdOptions {
  /** Access to the places of the instances. */
  readonly systemContext?: SystemContext | undefined;
  /** Aborts the reads, and rejects with its reason. Default: they are never aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Returns those of some instances that have zstd layers: a push adds an annotation to the entries of copied ones. */
export async function findZstd(
  list: List,
  instances: readonly Digest[],
  { systemContext, signal }: FindZstdOptions,
): Promise<ReadonlySet<Digest>> {
  await using source = await list.reference().openSource(systemContext);
  const found = await allOrAbort(
    instances.map((instance) => async (signal) => {
      const { manifest } = await readManifest(source, { instance, signal });
      return !isIndex(manifest) && hasZstd(manifest) ? [instance] : [];
    }),
    signal,
  );
  return new Set(found.flat());
}

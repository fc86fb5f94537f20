import { readManifestWith, resolveSource } from "../actions/room.ts";
import { allOrAbort } from "../internal/room.ts";
import { type Digest, isManifestsError, ManifestsError } from "../spec/room.ts";
import type { ReleaseCallOptions, ReleaseHost } from "./host.ts";
import type { LockedRelease } from "./lock.ts";
import type { Release, ReleaseSource } from "./types.ts";

/** Options for {@linkcode pinSources}. */
export interface PinOptions extends ReleaseCallOptions {
  /** Read what the names of the sources mean now, instead of using the digests of the lock. Default: `false`. */
  readonly update?: boolean | undefined;
  /** Fail if the lock does not have exactly the sources of the release. Default: `false`. */
  readonly frozen?: boolean | undefined;
}

/** The sources of a release, by digest. */
export interface PinnedSources {
  /** The sources, with exact references to images in registries. */
  readonly sources: readonly ReleaseSource[];
  /** Digests of the sources, by name. */
  readonly digests: Readonly<Record<string, Digest>>;
  /** Names of optional sources that do not exist. */
  readonly missing: readonly string[];
}

/**
 * Finds the digests of the sources of a release: those of the lock, or those that the names mean now. Writes nothing.
 *
 * @throws {ManifestsError} With code `LOCK_OUTDATED` if the lock and the release differ and `frozen` is set, or if an
 * image outside of registries, which cannot be read by its digest, is not the locked one; `NOT_FOUND`, `UNAUTHORIZED`,
 * `DENIED`, `NETWORK` or `REGISTRY_ERROR` if a source cannot be read.
 */
export async function pinSources(
  host: ReleaseHost,
  release: Release,
  locked: LockedRelease,
  options: PinOptions = {},
): Promise<PinnedSources> {
  const sources = await listSources(host, release);
  if (options.frozen) assertLocked(release, sources, locked);
  const found = await allOrAbort(
    sources.map((source) => (signal) => pinSource(host, release, source, locked, { ...options, signal })),
    options.signal,
  );
  const digests: Record<string, Digest> = {};
  const missing: string[] = [];
  const exact: ReleaseSource[] = [];
  for (const [i, pin] of found.entries()) {
    const source = sources[i]!;
    if (pin === undefined) missing.push(source.image);
    else {
      digests[source.image] = pin.digest;
      exact.push({ ...source, image: pin.image });
    }
  }
  if (exact.length > 0) return { sources: exact, digests, missing };
  throw new ManifestsError("NOT_FOUND", `Cannot make the release ${release.name}: none of its sources exists`);
}

async function listSources(host: ReleaseHost, { name, sources, digests }: Release): Promise<readonly ReleaseSource[]> {
  if (!digests) return sources;
  if (!host.readDigests) {
    throw new ManifestsError(
      "ARTIFACT_UNAVAILABLE",
      `Cannot read the digests of the release ${name} in ${JSON.stringify(digests.dir)}: files cannot be read here`,
    );
  }
  return [...sources, ...(await host.readDigests(digests)).map((image) => ({ image }))];
}

/** Pins a source; `undefined` for an optional one that does not exist. */
async function pinSource(
  { runtime, locate = (image) => image }: ReleaseHost,
  release: Release,
  source: ReleaseSource,
  locked: LockedRelease,
  { update = false, frozen = false, systemContext, signal }: PinOptions,
): Promise<{ image: string; digest: Digest } | undefined> {
  const { image, optional = false } = source;
  const reference = resolveSource(runtime, locate(image));
  const name = reference.transport === "docker" ? reference.dockerReference : undefined;
  const recorded = update || !Object.hasOwn(locked.sources, image) ? undefined : locked.sources[image];
  const known = name?.digest ?? (name && recorded);
  if (name && known) return { image: `docker://${name.trimmed().withDigest(known)}`, digest: known };
  // A frozen lock does not have optional sources that did not exist.
  if (frozen && recorded === undefined) return undefined;
  try {
    const { digest } = await readManifestWith(runtime, reference, { systemContext, signal });
    if (recorded !== undefined && digest !== recorded) throw changed(release, image, recorded, digest);
    return { image: name ? `docker://${name.trimmed().withDigest(digest)}` : locate(image), digest };
  } catch (error) {
    if (optional && isManifestsError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

function changed({ name }: Release, image: string, recorded: Digest, digest: Digest): ManifestsError {
  return new ManifestsError(
    "LOCK_OUTDATED",
    `Cannot make the release ${name}: ${image} is ${digest}, but the lock file has ${recorded}: run it with --update`,
  );
}

/** Checks that a lock has exactly the sources of a release; optional ones may be absent. */
function assertLocked({ name }: Release, sources: readonly ReleaseSource[], locked: LockedRelease): void {
  const hasPin = ({ image }: ReleaseSource) =>
    Object.hasOwn(locked.sources, image) || /@[a-z0-9]+:[a-f0-9]+$/.test(image);
  const unpinned = sources.find((source) => !source.optional && !hasPin(source));
  const names = sources.map(({ image }) => image);
  const extra = Object.keys(locked.sources).find((image) => !names.includes(image));
  const problem = unpinned
    ? `it does not have the source ${unpinned.image}`
    : extra === undefined
    ? undefined
    : `it has ${extra}, which is not a source any more`;
  if (problem === undefined) return;
  throw new ManifestsError(
    "LOCK_OUTDATED",
    `Cannot use the lock file of the release ${name}: ${problem}: run manifests release lock, and commit the lock file`,
  );
}

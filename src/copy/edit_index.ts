import {
  ATTESTED_DIGEST,
  convertToDockerList,
  convertToOciIndex,
  type Descriptor,
  type Digest,
  type DockerListEntry,
  getEntries,
  MEDIA_TYPES,
  type OciIndex,
  type ParsedIndex,
  type Platform,
  serializeDockerList,
  serializeOciIndex,
  ZSTD_ANNOTATION,
} from "../spec/room.ts";

/** A manifest as it was written. */
export interface WrittenManifest {
  /** Its digest at the source. */
  readonly source: Digest;
  /** Digest of what was written. */
  readonly digest: Digest;
  /** Size of the written manifest in bytes. */
  readonly size: number;
  /** Media type of the written manifest. */
  readonly mediaType: string;
  /** Whether its layers are compressed with zstd. */
  readonly zstd: boolean;
}

/** An instance of an index as it was written. */
export interface WrittenInstance extends WrittenManifest {
  /** The positions of the entries that get one more entry for it; `undefined`: it is the instance itself. */
  readonly variantEntries: readonly number[] | undefined;
}

type Entry = Descriptor | DockerListEntry;

/** Options for {@linkcode editIndex}. */
export interface EditIndexOptions {
  /** Leave out what only improves the index: marks of zstd, and `[]` instead of `null`. Default: `false`. */
  readonly fixed?: boolean | undefined;
}

/**
 * Returns the index of what was written: entries get the digest, size and type of what they name now, those whose layers
 * are compressed with zstd are marked, and variants are appended. If variants are appended, the marked entries are moved
 * to the end, because old clients take the first entry that matches (oci_index.go `editInstances`). An entry that does
 * not change keeps all of its fields; if nothing changes, the result is `index` itself.
 */
export function editIndex(
  index: ParsedIndex,
  written: readonly WrittenInstance[],
  { fixed = false }: EditIndexOptions = {},
): ParsedIndex {
  const copies = new Map(
    written.filter(({ variantEntries }) => !variantEntries).map((instance) => [instance.source, instance]),
  );
  const before = getEntries(index);
  const update = (entry: Entry, now: WrittenInstance): Entry => {
    const updated = updateEntry(entry, now);
    // Docker's entries have no annotations.
    return now.zstd && !fixed && index.kind === "oci-index" ? markZstd(updated, true) : updated;
  };
  const entries = before.map((entry): Entry => {
    const now = copies.get(entry.digest);
    return remapAttested(now ? update(entry, now) : entry, copies);
  });
  const variants = written.flatMap((variant) =>
    (variant.variantEntries ?? []).map((i) => update(entryBeside(before[i]!, variant), variant))
  );
  const isSame = variants.length === 0 && entries.every((entry, i) => entry === before[i]);
  if (isSame && (fixed || hasInstances(index))) return index;
  const present = new Set(entries.map(({ digest }) => digest));
  const all = [...entries, ...variants.filter(({ digest }) => !present.has(digest))];
  return withEntries(index, variants.length > 0 ? all.toSorted((a, b) => Number(isZstd(a)) - Number(isZstd(b))) : all);
}

/** Whether an index has an array of instances, as the specifications demand: Go writes `null` for a list that never had any. */
function hasInstances(index: ParsedIndex): boolean {
  return (index.kind === "oci-index" ? index.index : index.list).manifests !== null;
}

/** Returns an entry for a variant, with those fields of the instance's own entry that apply to every variant. */
function entryBeside(entry: Entry, variant: WrittenInstance): Entry {
  const { annotations, platform, artifactType }: Partial<Descriptor> = entry;
  return updateEntry({
    mediaType: "",
    digest: variant.source,
    size: 0,
    ...(annotations ? { annotations } : {}),
    ...(platform ? { platform } : {}),
    ...(artifactType ? { artifactType } : {}),
  }, variant);
}

function updateEntry(entry: Entry, now: WrittenInstance): Entry {
  const { digest, size, mediaType, zstd } = now;
  if (entry.digest === digest && entry.size === size && entry.mediaType === mediaType) return entry;
  if (entry.digest === digest) return { ...entry, size, mediaType };
  // Embedded data is that of another manifest now, and a mark of zstd may be on layers that were recompressed.
  const { data: _, ...rest }: Partial<Descriptor> & Entry = entry;
  const updated = { ...rest, digest, size, mediaType };
  return zstd ? updated : markZstd(updated, false);
}

/** An attestation names the image that it is about, which may have another digest now. */
function remapAttested(entry: Entry, copies: ReadonlyMap<string, WrittenInstance>): Entry {
  const { annotations }: Partial<Descriptor> = entry;
  const now = copies.get(annotations?.[ATTESTED_DIGEST] ?? "")?.digest;
  if (!now || now === annotations![ATTESTED_DIGEST]) return entry;
  return { ...entry, annotations: { ...annotations, [ATTESTED_DIGEST]: now } };
}

function markZstd(entry: Entry, zstd: boolean): Entry {
  if (isZstd(entry) === zstd) return entry;
  const { annotations = {}, ...rest }: Descriptor = entry;
  const { [ZSTD_ANNOTATION]: _, ...others } = annotations;
  const marked: Record<string, string> = zstd ? { ...others, [ZSTD_ANNOTATION]: "true" } : others;
  return Object.keys(marked).length > 0 ? { ...rest, annotations: marked } : rest;
}

function isZstd(entry: Entry): boolean {
  return "annotations" in entry && entry.annotations?.[ZSTD_ANNOTATION] === "true";
}

function withEntries(index: ParsedIndex, entries: readonly Entry[]): ParsedIndex {
  return index.kind === "oci-index"
    ? ociIndex({ ...index.index, manifests: entries })
    : dockerList({ ...index.list, manifests: entries as readonly DockerListEntry[] });
}

function ociIndex(index: OciIndex): ParsedIndex {
  return { kind: "oci-index", bytes: serializeOciIndex(index), mediaType: MEDIA_TYPES.ociIndex, index };
}

function dockerList(list: Parameters<typeof serializeDockerList>[0]): ParsedIndex {
  return { kind: "docker-list", bytes: serializeDockerList(list), mediaType: MEDIA_TYPES.dockerList, list };
}

/**
 * An index in another type.
 *
 * @param defaultPlatform What an instance without a platform gets in a Docker list.
 */
export function convertIndex(index: ParsedIndex, type: string, defaultPlatform: Platform): ParsedIndex {
  if (index.mediaType === type) return index;
  return index.kind === "oci-index"
    ? dockerList(convertToDockerList(index.index, defaultPlatform))
    : ociIndex(convertToOciIndex(index.list));
}

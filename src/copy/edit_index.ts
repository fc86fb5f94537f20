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

/** A manifest that was written to the destination. */
export interface WrittenManifest {
  /** Digest of the manifest at the source. */
  readonly source: Digest;
  /** Digest of the manifest at the destination. */
  readonly digest: Digest;
  /** Size of the written manifest, in bytes. */
  readonly size: number;
  /** Media type of the written manifest, such as `application/vnd.oci.image.manifest.v1+json`. */
  readonly mediaType: string;
  /** Whether its layers are compressed with zstd. */
  readonly zstd: boolean;
}

/** A written instance of an index. */
export interface WrittenInstance extends WrittenManifest {
  /** Indexes of the entries for which a variant entry is added; `undefined` for the original instance. */
  readonly variantEntries: readonly number[] | undefined;
}

type Entry = Descriptor | DockerListEntry;

/**
 * Returns the index for the written manifests: each entry gets the digest, size and type of its written manifest, entries
 * whose layers are compressed with zstd get an annotation, and variants are appended. If variants are appended, the
 * annotated entries are moved to the end, because old clients take the first entry that matches (oci_index.go
 * `editInstances`). An entry that does not change keeps all of its fields; if nothing changes, the result is `index`
 * itself. `fixed` skips optional improvements: zstd annotations, and `[]` instead of `null` for `manifests`.
 */
export function editIndex(
  index: ParsedIndex,
  written: readonly WrittenInstance[],
  { fixed = false }: { readonly fixed?: boolean | undefined } = {},
): ParsedIndex {
  const copies = new Map(
    written.filter(({ variantEntries }) => !variantEntries).map((instance) => [instance.source, instance]),
  );
  const before = getEntries(index);
  const update = (entry: Entry, instance: WrittenInstance): Entry => {
    const updated = updateEntry(entry, instance);
    // The entries of a Docker list have no annotations.
    return instance.zstd && !fixed && index.kind === "oci-index" ? markZstd(updated, true) : updated;
  };
  const entries = before.map((entry): Entry => {
    const copy = copies.get(entry.digest);
    return remapAttested(copy ? update(entry, copy) : entry, copies);
  });
  const variants = written.flatMap((variant) =>
    (variant.variantEntries ?? []).map((i) => update(createVariantEntry(before[i]!, variant), variant))
  );
  const isSame = variants.length === 0 && entries.every((entry, i) => entry === before[i]);
  if (isSame && (fixed || hasInstances(index))) return index;
  const present = new Set(entries.map(({ digest }) => digest));
  const all = [...entries, ...variants.filter(({ digest }) => !present.has(digest))];
  return withEntries(index, variants.length > 0 ? all.toSorted((a, b) => Number(isZstd(a)) - Number(isZstd(b))) : all);
}

/** Whether `manifests` is an array, as the specifications require: Go writes `null` for a list that never had instances. */
function hasInstances(index: ParsedIndex): boolean {
  return (index.kind === "oci-index" ? index.index : index.list).manifests !== null;
}

/** Returns an entry for a variant, with those fields of the instance's own entry that apply to every variant. */
function createVariantEntry(entry: Entry, variant: WrittenInstance): Entry {
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

function updateEntry(entry: Entry, instance: WrittenInstance): Entry {
  const { digest, size, mediaType, zstd } = instance;
  if (entry.digest === digest && entry.size === size && entry.mediaType === mediaType) return entry;
  if (entry.digest === digest) return { ...entry, size, mediaType };
  // Embedded data belongs to the old manifest, and the zstd annotation may be wrong after recompression.
  const { data: _, ...rest }: Partial<Descriptor> & Entry = entry;
  const updated = { ...rest, digest, size, mediaType };
  return zstd ? updated : markZstd(updated, false);
}

/** Updates the annotation of a BuildKit attestation that names the attested image, if that has a new digest. */
function remapAttested(entry: Entry, copies: ReadonlyMap<string, WrittenInstance>): Entry {
  const { annotations }: Partial<Descriptor> = entry;
  const attested = copies.get(annotations?.[ATTESTED_DIGEST] ?? "")?.digest;
  if (!attested || attested === annotations![ATTESTED_DIGEST]) return entry;
  return { ...entry, annotations: { ...annotations, [ATTESTED_DIGEST]: attested } };
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
 * Converts an index to another media type; returns it unchanged if it has that type.
 *
 * @param defaultPlatform Platform of instances that have none, since a Docker list requires one.
 */
export function convertIndex(index: ParsedIndex, type: string, defaultPlatform: Platform): ParsedIndex {
  if (index.mediaType === type) return index;
  return index.kind === "oci-index"
    ? dockerList(convertToDockerList(index.index, defaultPlatform))
    : ociIndex(convertToOciIndex(index.list));
}

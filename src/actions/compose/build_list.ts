import { decodeUtf8 } from "../../internal/room.ts";
import type { TransferOptions } from "../../copy/room.ts";
import type { List } from "../../list/room.ts";
import {
  isIndex,
  ManifestsError,
  MEDIA_TYPES,
  type OciIndex,
  type ParsedManifest,
  serializeDockerList,
  serializeOciIndex,
} from "../../spec/room.ts";
import type { Runtime } from "../runtime.ts";
import { type ComposedEntry, toDescriptor } from "./entries.ts";
import type { CompositionOptions } from "./types.ts";

/** Content from which a list is built. */
export interface ListContent {
  /** Entries of the list, in their final order. */
  readonly entries: readonly ComposedEntry[];
  /** Existing index whose own members are kept, and its bytes if nothing changes. `undefined`: the index is new. */
  readonly base: ParsedManifest | undefined;
}

/** Options for {@linkcode buildList}. */
export type BuildListOptions =
  & Pick<CompositionOptions, "annotations" | "artifactType" | "subject" | "entryAnnotations" | "sources">
  & Pick<TransferOptions, "manifestType" | "systemContext" | "signal">;

/** A list that can be pushed. */
export interface BuiltList {
  /** The list, whose instances can be read where their sources are. */
  readonly list: List;
  /** Bytes of the list, and their media type. */
  readonly manifest: Pick<ParsedManifest, "bytes" | "mediaType">;
  /** Type to which a push must convert instances and list; `undefined`: all of them have the right type. */
  readonly manifestType: string | undefined;
}

/** Builds the list of entries. An existing index that does not change keeps its bytes, and so its digest. */
export async function buildList(
  runtime: Runtime,
  { entries, base }: ListContent,
  options: BuildListOptions,
): Promise<BuiltList> {
  const { annotations, artifactType, subject, manifestType, systemContext, signal } = options;
  const before = base && isIndex(base) ? runtime.parseList(base.bytes) : undefined;
  const built = createList(runtime, entries, before?.ociV1());
  if (annotations) built.setAnnotations(undefined, annotations);
  if (artifactType) built.setArtifactType(undefined, artifactType);
  if (subject !== undefined) await built.setSubjectFrom(subject, { systemContext, signal });
  const type = getIndexType(manifestType);
  if (type === MEDIA_TYPES.dockerList) assertDockerList(built, options);
  const isRight = ({ mediaType }: ComposedEntry) => type === undefined || getIndexType(mediaType) === type;
  const converts = type !== undefined && !entries.every(isRight);
  const kept = before && isSameList(before, built)
    ? base!
    : { bytes: built.serialize(), mediaType: built.preferredMediaType };
  const manifest = type === undefined || converts || kept.mediaType === type
    ? kept
    : { bytes: built.serialize(type), mediaType: type };
  const list = runtime.parseList(manifest.bytes);
  for (const { reference, digest } of entries) list.locateInstances(reference, [digest]);
  // A type that nobody knows is reported by the push.
  return { list, manifest, manifestType: converts || type === undefined ? manifestType : undefined };
}

function createList(runtime: Runtime, entries: readonly ComposedEntry[], before?: OciIndex): List {
  if (entries.length === 0) return runtime.createList();
  const index: OciIndex = {
    ...(before ?? { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex }),
    manifests: entries.map(toDescriptor),
  };
  const list = runtime.parseList(serializeOciIndex(index));
  for (const { digest, features } of entries) if (features.length > 0) list.setFeatures(digest, features);
  return list;
}

function isSameList(one: List, other: List): boolean {
  const toText = (list: List) =>
    decodeUtf8(serializeOciIndex(list.ociV1())) + decodeUtf8(serializeDockerList(list.docker()));
  return toText(one) === toText(other);
}

/** Returns the type of the index that belongs to a type of manifests; `undefined` for all other types. */
function getIndexType(mediaType: string | undefined): string | undefined {
  if (mediaType === MEDIA_TYPES.ociIndex || mediaType === MEDIA_TYPES.ociManifest) return MEDIA_TYPES.ociIndex;
  const isDocker = mediaType === MEDIA_TYPES.dockerList || mediaType === MEDIA_TYPES.dockerManifest;
  return isDocker ? MEDIA_TYPES.dockerList : undefined;
}

/**
 * Checks that a Docker list can hold what the caller asked for.
 *
 * @throws {ManifestsError} With code `CONVERSION_NOT_SUPPORTED`.
 */
function assertDockerList(list: List, { entryAnnotations = [], sources }: BuildListOptions): void {
  const { annotations, artifactType, subject } = list.ociV1();
  const annotated = sources.some((source) =>
    typeof source === "object" && "image" in source && Object.keys(source.annotations ?? {}).length > 0
  );
  const member = annotations || annotated || entryAnnotations.length > 0
    ? "annotations"
    : artifactType
    ? "an artifact type"
    : subject
    ? "a subject"
    : undefined;
  if (member === undefined) return;
  throw new ManifestsError(
    "CONVERSION_NOT_SUPPORTED",
    `Cannot write a Docker manifest list with ${member}: only an OCI index can store it: use the format oci`,
  );
}

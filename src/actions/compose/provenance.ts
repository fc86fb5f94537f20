import type { CopyResult } from "../../copy/room.ts";
import type { ImageReference } from "../../image/room.ts";
import { openSigners } from "../../list/room.ts";
import type { AssemblySource } from "../../signature/room.ts";
import {
  type Descriptor,
  type Digest,
  formatPlatform,
  getEntries,
  isAttestation,
  isIndex,
  MEDIA_TYPES,
  parseManifest,
} from "../../spec/room.ts";
import { assertSignsStatements } from "../attestations/statement_signer.ts";
import type { Runtime } from "../runtime.ts";
import type { Composition } from "./composition.ts";
import type { FoundSource } from "./find_sources.ts";
import type { TopManifest } from "./observed_target.ts";
import type { ComposeOptions, ComposeSource, ProvenanceOptions } from "./types.ts";

/** An index that was written to a repository, but not yet under its names. */
export interface WrittenIndex {
  /** The first name in the repository. */
  readonly reference: ImageReference;
  /** The index, or the only image. */
  readonly top: TopManifest;
  /** Digests of the instances at the source and in the repository. */
  readonly instances: CopyResult["instances"];
}

/** Everything that the provenance of a composed index records. */
export interface ProvenanceInputs {
  /** All names of the index. */
  readonly references: readonly ImageReference[];
  /** The index with its sources. */
  readonly composition: Composition;
  /** Options of the call. All keys that sign the index are in `signers`. */
  readonly options: ComposeOptions & { readonly provenance: ProvenanceOptions };
  /** Time at which the call started. */
  readonly startedOn: Date;
}

/**
 * Opens the keys that options name as files, and returns the options with all of them as signers. Disposing the result
 * forgets the keys.
 */
export async function openAllSigners(
  runtime: Runtime,
  options: ComposeOptions,
): Promise<AsyncDisposable & { readonly options: ComposeOptions }> {
  const opened = await openSigners(runtime.host, options);
  const { signBy: _, signBySigstorePrivateKeyFile: __, signBySigstoreParamFile: ___, ...rest } = options;
  return {
    options: { ...rest, signers: [...options.signers ?? [], ...opened.signers] },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** Checks the options before anything is read. Throws a `TypeError` for those that provenance cannot describe. */
export function assertProvenance({ provenance, addCompression }: ComposeOptions): void {
  if (!provenance) return;
  assertSignsStatements(provenance.signer);
  if (!addCompression?.length) return;
  throw new TypeError(
    "Cannot compose an index: provenance may not be used with addCompression, whose images come from no source",
  );
}

/**
 * Attaches the provenance of a composed index to it, and to its images if requested.
 *
 * @throws {ManifestsError} With the codes of `attestAssembly`.
 */
export async function attachProvenance(
  runtime: Runtime,
  { reference, top, instances }: WrittenIndex,
  { references, composition, options, startedOn }: ProvenanceInputs,
): Promise<void> {
  const { signer, as, children, builder = {} } = options.provenance;
  const { systemContext, signal } = options;
  // Nothing was added to the existing index.
  if (options.append && composition.sources[0]?.found.digest === top.digest) return;
  // Most calls attach no provenance: the code for it is loaded when it is needed.
  const { attestAssembly } = await import("../attestations/attest.ts");
  const entries = new Set(composition.entries.map(({ digest }) => digest));
  const assembly = {
    parameters: describeParameters(references, options),
    internalParameters: { format: isDocker(top) ? "v2s2" : "oci", flatten: !options.nested },
    sources: composition.sources.map((source) => describeSource(source, entries, instances)),
    builder,
    startedOn,
    finishedOn: new Date(),
  };
  const subjects = [describeTop(top), ...(children ? listChildren(top) : [])];
  const imageSigners = options.signers;
  await attestAssembly(runtime, { reference, subjects, assembly }, { signer, as, imageSigners, systemContext, signal });
}

/** Returns the parameters of a call as docs/provenance.md lists them. Absent options are left out. */
function describeParameters(
  references: readonly ImageReference[],
  options: ComposeOptions,
): Record<string, unknown> {
  const {
    sources,
    order,
    annotations,
    entryAnnotations,
    artifactType,
    subject,
    require,
    append,
    replace,
    ignoreMissing,
  } = options;
  const { preferIndex, nested, all, platforms, attestations } = options;
  const parameters = {
    tags: references.map(({ dockerReference }) => String(dockerReference)),
    sources: sources.map((source) => isComposeSource(source) ? describeParameter(source) : String(source)),
    order,
    annotations,
    entryAnnotations,
    artifactType,
    subject: subject === undefined ? undefined : String(subject),
    require,
    ignoreMissing,
    append,
    replace,
    preferIndex,
    nested,
    all,
    platforms,
    attestations,
  };
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}

function isComposeSource(source: ComposeOptions["sources"][number]): source is ComposeSource {
  return typeof source === "object" && "image" in source;
}

function describeParameter({ image, platform, annotations, artifactType, optional }: ComposeSource) {
  return { image: String(image), platform, annotations, artifactType, optional };
}

function describeSource(
  { source, found }: FoundSource,
  entries: ReadonlySet<Digest>,
  instances: CopyResult["instances"],
): AssemblySource {
  const { reference, digest, manifest } = found;
  const taken = found.instances.filter(({ digest }) => entries.has(digest));
  const platform = isIndex(manifest) ? "" : formatPlatform(found.instances[0]!.platform);
  return {
    name: String(source.image),
    reference: reference.transport === "docker" ? reference.dockerReference : undefined,
    digest,
    mediaType: manifest.mediaType,
    ...(platform ? { platform } : {}),
    entries: [...new Set(taken.map(({ digest }) => instances.get(digest) ?? digest))],
  };
}

function describeTop({ bytes, mediaType, digest }: TopManifest): Descriptor {
  return { mediaType, digest, size: bytes.length };
}

/** Returns the entries of an index, without BuildKit's attestations. */
function listChildren({ bytes, mediaType }: TopManifest): Descriptor[] {
  const manifest = parseManifest(bytes, mediaType);
  const entries = isIndex(manifest) ? getEntries(manifest).filter((entry) => !isAttestation(entry)) : [];
  const children = entries.map(({ mediaType, digest, size }): Descriptor => ({ mediaType, digest, size }));
  return [...new Map(children.map((child) => [child.digest, child])).values()];
}

function isDocker({ mediaType }: TopManifest): boolean {
  return mediaType === MEDIA_TYPES.dockerList || mediaType === MEDIA_TYPES.dockerManifest;
}

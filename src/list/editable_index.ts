import {
  ATTESTED_DIGEST,
  convertToOciIndex,
  createPlatform,
  type Descriptor,
  type Digest,
  type DockerList,
  findByPlatform,
  isEmptyPlatform,
  isIndex,
  isManifestsError,
  ManifestsError,
  MEDIA_TYPES,
  type OciIndex,
  parseDigest,
  type ParsedIndex,
  parseManifest,
  type Platform,
  serializeDockerList,
  serializeOciIndex,
} from "../spec/room.ts";
import {
  parseAnnotations,
  parseDescriptor,
  parsePlatformValue,
  parseSize,
  parseText,
  parseTexts,
} from "./check_values.ts";
import { decodeUtf8 } from "../internal/room.ts";
import { type LabelOptions, labelPlatform } from "./label.ts";
import type { NewInstance } from "./new_instance.ts";
import { dockerEntry, type Entry, NO_ANNOTATIONS, ociEntry } from "./entry.ts";
import { EntrySet } from "./entry_set.ts";

/** A manifest exactly as it was saved or loaded, valid for as long as the list is unchanged. */
export interface Original {
  /** Exact bytes of the manifest, which its digest covers. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Media type of the manifest, as parsed from its bytes. */
  readonly mediaType: string;
}

/**
 * A list of instances that can be changed and written as an OCI index or as a Docker manifest list. Go:
 * `pkg/manifests`. Look-ups take constant time, however long the list is. Setters throw a `TypeError` for a value of
 * the wrong type, and `INSTANCE_NOT_FOUND` for an instance that the list does not have.
 */
export class EditableIndex {
  readonly #entries = new EntrySet();
  #annotations: ReadonlyMap<string, string> = NO_ANNOTATIONS;
  #artifactType = "";
  #subject: Descriptor | undefined;
  /** Go writes `null` for a list that never had an instance, and `[]` for one that lost its last. */
  #nullWhenEmpty = { oci: true, docker: true };
  #original: Original | undefined;
  /** Whether the list says the same as the original at a revision. */
  #compared = { revision: 0, isOriginal: false };
  #revision = 0;

  /** Fills an empty index from the bytes of a manifest. */
  protected readBlob(bytes: Uint8Array<ArrayBuffer>): void {
    const parsed = parseIndex(bytes);
    const oci = parsed.kind === "oci-index" ? parsed.index : convertToOciIndex(parsed.list);
    const features = parsed.kind === "docker-list" ? parsed.list.manifests?.map((m) => m.platform.features) : undefined;
    oci.manifests?.forEach((descriptor, i) =>
      this.#entries.append({
        digest: descriptor.digest,
        size: descriptor.size,
        mediaType: descriptor.mediaType,
        dockerMediaType: descriptor.mediaType,
        urls: descriptor.urls ?? [],
        annotations: parseAnnotations(descriptor.annotations ?? {}, "annotations"),
        data: descriptor.data,
        artifactType: descriptor.artifactType ?? "",
        platform: descriptor.platform,
        features: features?.[i] ?? [],
      })
    );
    this.#annotations = parseAnnotations(oci.annotations ?? {}, "annotations");
    this.#artifactType = oci.artifactType ?? "";
    this.#subject = oci.subject;
    // The twin of an empty list of the other kind stays null in Go.
    const isNull = oci.manifests === null;
    this.#nullWhenEmpty = parsed.kind === "oci-index" ? { oci: isNull, docker: true } : { oci: true, docker: isNull };
    this.remember({ bytes, mediaType: parsed.mediaType }, this.#revision);
  }

  /** The manifest as it was read or last saved, if the list still says the same: an edit may change nothing. */
  protected get original(): Original | undefined {
    const original = this.#original;
    if (original && this.#compared.revision !== this.#revision) {
      this.#compared = { revision: this.#revision, isOriginal: this.#says(original) };
    }
    return this.#compared.isOriginal ? original : undefined;
  }

  /** Whether reading a manifest gives this list. */
  #says({ bytes }: Original): boolean {
    const other = new EditableIndex();
    other.readBlob(bytes);
    const sameText = (a: Uint8Array, b: Uint8Array) => decodeUtf8(a) === decodeUtf8(b);
    return sameText(serializeOciIndex(this.ociV1()), serializeOciIndex(other.ociV1())) &&
      sameText(serializeDockerList(this.docker()), serializeDockerList(other.docker()));
  }

  /** Revision counter, incremented on every change. */
  protected get revision(): number {
    return this.#revision;
  }

  /** Remembers what was saved, unless the list has changed since it was as it was saved. */
  protected remember(original: Original, revision: number): void {
    if (revision !== this.#revision) return;
    this.#original = original;
    this.#compared = { revision, isOriginal: true };
  }

  instances(): Digest[] {
    return Array.from(this.#entries, ({ digest }) => digest);
  }

  get size(): number {
    return this.#entries.size;
  }

  addInstance(instance: NewInstance): void {
    const digest = parseDigest(instance.digest);
    const size = parseSize(instance.size, "size");
    const mediaType = parseText(instance.mediaType, "mediaType");
    const platform = parsePlatformValue(instance.platform ?? {}, "platform");
    const annotations = parseAnnotations(instance.annotations ?? {}, "annotations");
    const features = parseTexts(instance.features ?? [], "features");
    this.#changed();
    this.#entries.drop(digest);
    this.#entries.append({
      digest,
      size,
      mediaType,
      dockerMediaType: mediaType,
      urls: [],
      annotations,
      data: undefined,
      artifactType: "",
      platform: isEmptyPlatform(platform) ? undefined : platform,
      features,
    });
  }

  /** Adds the entries of another index as {@linkcode addInstance} does. */
  protected addEntries(other: EditableIndex): void {
    const added = [...other.#entries];
    this.#changed();
    for (const { digest } of added) this.#entries.drop(digest);
    for (const entry of added) this.#entries.append({ ...entry });
  }

  remove(digest: string): void {
    this.#entries.get(digest);
    this.#changed();
    this.#entries.drop(digest);
    this.#nullWhenEmpty = { oci: false, docker: false };
  }

  removeWithAttestations(digests: readonly string[]): Digest[] {
    const named = new Set(digests);
    for (const digest of named) this.#entries.get(digest);
    const attestations = this.attestationsFor(digests).filter((digest) => !named.has(digest));
    for (const digest of [...named, ...attestations]) this.remove(digest);
    return attestations;
  }

  setUrls(digest: string, urls: readonly string[]): void {
    this.#edit(digest, { urls: parseTexts(urls, "urls") });
  }

  urls(digest: string): string[] {
    return [...this.#entries.get(digest).urls];
  }

  setAnnotations(digest: string | undefined, annotations: Readonly<Record<string, string>>): void {
    const added = parseAnnotations(annotations, "annotations");
    if (digest === undefined) {
      this.#annotations = new Map([...this.#annotations, ...added]);
      this.#changed();
    } else {
      this.#edit(digest, { annotations: new Map([...this.#entries.get(digest).annotations, ...added]) });
    }
  }

  clearAnnotations(digest: string | undefined): void {
    if (digest === undefined) {
      this.#annotations = NO_ANNOTATIONS;
      this.#changed();
    } else this.#edit(digest, { annotations: NO_ANNOTATIONS });
  }

  annotations(digest: string | undefined): Record<string, string> {
    return Object.fromEntries(digest === undefined ? this.#annotations : this.#entries.get(digest).annotations);
  }

  platform(digest: string): Platform {
    return createPlatform(this.#entries.get(digest).platform ?? {});
  }

  instancesFor(platform: Platform): Digest[] {
    const found = findByPlatform([...this.#entries], platform, (entry) => entry.platform);
    return [...new Set(found.map(({ digest }) => digest))];
  }

  attestationsFor(digests: readonly string[]): Digest[] {
    const attested = new Set(digests);
    const found = [...this.#entries].filter(({ annotations }) => attested.has(annotations.get(ATTESTED_DIGEST) ?? ""));
    return [...new Set(found.map(({ digest }) => digest))];
  }

  label(digest: string, label: Partial<Platform>, options: LabelOptions = {}): void {
    const given = parsePlatformValue(label, "label");
    this.#setPlatform(digest, labelPlatform(this.platform(digest), given, digest, options));
  }

  setOs(digest: string, os: string): void {
    this.#setPlatform(digest, { os: parseText(os, "os") });
  }

  os(digest: string): string {
    return this.#entries.get(digest).platform?.os ?? "";
  }

  setArchitecture(digest: string, architecture: string): void {
    this.#setPlatform(digest, { architecture: parseText(architecture, "architecture") });
  }

  architecture(digest: string): string {
    return this.#entries.get(digest).platform?.architecture ?? "";
  }

  setOsVersion(digest: string, osVersion: string): void {
    this.#setPlatform(digest, { osVersion: parseText(osVersion, "osVersion") });
  }

  osVersion(digest: string): string {
    return this.#entries.get(digest).platform?.osVersion ?? "";
  }

  setVariant(digest: string, variant: string): void {
    this.#setPlatform(digest, { variant: parseText(variant, "variant") });
  }

  variant(digest: string): string {
    return this.#entries.get(digest).platform?.variant ?? "";
  }

  setFeatures(digest: string, features: readonly string[]): void {
    this.#edit(digest, { features: parseTexts(features, "features") });
  }

  features(digest: string): string[] {
    return [...this.#entries.get(digest).features];
  }

  setOsFeatures(digest: string, osFeatures: readonly string[]): void {
    this.#setPlatform(digest, { osFeatures: parseTexts(osFeatures, "osFeatures") });
  }

  osFeatures(digest: string): string[] {
    return [...this.#entries.get(digest).platform?.osFeatures ?? []];
  }

  setMediaType(digest: string, mediaType: string): void {
    this.#edit(digest, { mediaType: parseText(mediaType, "mediaType") });
  }

  mediaType(digest: string): string {
    return this.#entries.get(digest).mediaType;
  }

  setArtifactType(digest: string | undefined, artifactType: string): void {
    const type = parseText(artifactType, "artifactType");
    if (digest === undefined) {
      this.#artifactType = type;
      this.#changed();
    } else this.#edit(digest, { artifactType: type });
  }

  artifactType(digest: string | undefined): string {
    return digest === undefined ? this.#artifactType : this.#entries.get(digest).artifactType;
  }

  setSubject(subject: Descriptor | undefined): void {
    this.#subject = subject === undefined ? undefined : parseDescriptor(subject, "subject");
    this.#changed();
  }

  subject(): Descriptor | undefined {
    return this.#subject && structuredClone(this.#subject);
  }

  ociV1(): OciIndex {
    const manifests = Array.from(this.#entries, ociEntry);
    return {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociIndex,
      ...(this.#artifactType ? { artifactType: this.#artifactType } : {}),
      manifests: manifests.length === 0 && this.#nullWhenEmpty.oci ? null : manifests,
      ...(this.#subject ? { subject: structuredClone(this.#subject) } : {}),
      ...(this.#annotations.size > 0 ? { annotations: Object.fromEntries(this.#annotations) } : {}),
    };
  }

  docker(): DockerList {
    const manifests = Array.from(this.#entries, dockerEntry);
    return {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.dockerList,
      manifests: manifests.length === 0 && this.#nullWhenEmpty.docker ? null : manifests,
    };
  }

  serialize(mimeType = ""): Uint8Array<ArrayBuffer> {
    const type = mimeType || this.preferredMediaType;
    if (type === MEDIA_TYPES.ociIndex) return serializeOciIndex(this.ociV1());
    if (type === MEDIA_TYPES.dockerList) return serializeDockerList(this.docker());
    throw new ManifestsError(
      "MANIFEST_TYPE_NOT_SUPPORTED",
      `Cannot serialize list to type ${JSON.stringify(mimeType)}: manifest type not supported: use ` +
        `${MEDIA_TYPES.ociIndex} or ${MEDIA_TYPES.dockerList}`,
    );
  }

  get preferredMediaType(): string {
    let features = false;
    if (this.#artifactType || this.#subject || this.#annotations.size > 0) return MEDIA_TYPES.ociIndex;
    for (const entry of this.#entries) {
      if (entry.artifactType || entry.annotations.size > 0 || entry.data) return MEDIA_TYPES.ociIndex;
      features ||= entry.features.length > 0;
    }
    return features || this.#entries.size === 0 ? MEDIA_TYPES.dockerList : MEDIA_TYPES.ociIndex;
  }

  #changed(): void {
    this.#revision++;
  }

  #edit(digest: string, change: Partial<Entry>): void {
    Object.assign(this.#entries.get(digest), change);
    this.#changed();
  }

  #setPlatform(digest: string, change: Partial<Platform>): void {
    const platform = createPlatform({ ...this.#entries.get(digest).platform, ...change });
    this.#edit(digest, { platform: isEmptyPlatform(platform) ? undefined : platform });
  }
}

function parseIndex(bytes: Uint8Array<ArrayBuffer>): ParsedIndex {
  try {
    const parsed = parseManifest(bytes);
    if (isIndex(parsed)) return parsed;
    throw notAList(parsed.mediaType);
  } catch (error) {
    if (isManifestsError(error, "MANIFEST_TYPE_NOT_SUPPORTED")) throw notAList("");
    throw error;
  }
}

function notAList(type: string): ManifestsError {
  return new ManifestsError(
    "NOT_A_MANIFEST_LIST",
    `Cannot load manifest list: its type ${JSON.stringify(type)} is not that of an index: manifest type not supported`,
  );
}
